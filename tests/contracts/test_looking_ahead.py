"""Reading ahead, on every store: what it finds, and whose limit it touches."""

from __future__ import annotations

from typing import Any

import pytest

from cache_platform import keys
from cache_platform.entries import Entry, Times
from cache_platform.policies import Address
from cache_platform.stores.base import Attempt, Lease, Log, Lookup, Store, Stored, Taken, new_token
from tests.contracts.test_stores import MINUTE, entry_for, fill, look, make_address, store
from tests.services.waiting import wait_until

__all__ = ["store"]
CREDENTIAL = make_address("credential", "user:1")


@pytest.fixture(autouse=True)
def _no_outbox(settings: Any) -> None:
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": []}


def wish(address: Address, *, strict: bool = True) -> Lookup:
    """A lookup without a lease."""
    return Lookup(address=address, strict=strict, tag_ms=MINUTE)


def log(limit: int = 2, name: str = "a") -> Log:
    """A log of a minute."""
    return Log(key=f"cp:limit:t:{name}", limit=limit, window_ms=MINUTE)


def attempt(store: Store, *logs: Log, guard: Address = CREDENTIAL, member: str = "") -> Taken | None:
    """What becomes of the wish for a slot in each of `logs`."""
    wanted = Attempt(logs=logs, member=member or new_token(), guard=wish(guard))
    return store.look_ahead([], [wanted])[1][0]


def keep(store: Store, address: Address = CREDENTIAL, **more: Any) -> Entry:
    """Have a good entry there."""
    entry = entry_for(look(store, address), **more)
    assert fill(store, address, entry) is Stored.STORED
    return entry


def taken(store: Store) -> int:
    """How many slots of `log()` are taken; asking takes one more, which is given back."""
    member = new_token()
    outcome = store.take([log(limit=99)], member)
    store.give_back([log().key], member)
    return outcome.counts[0] - 1


def test_entries_and_slots_come_in_their_order(store: Store) -> None:
    """Each answer belongs to the wish at its place, and an entry that is not there is found so."""
    credential = keep(store)
    missing = make_address("nothing", "user:1")
    attempts = [Attempt(logs=(each,), member=new_token(), guard=wish(CREDENTIAL)) for each in (log(1), log(5, "b"))]
    found, outcomes = store.look_ahead([wish(missing), wish(CREDENTIAL)], attempts)
    assert [each and each.blob for each in found] == [None, credential.dump()]
    assert found[0] is None
    assert [outcome and outcome.counts for outcome in outcomes] == [(1,), (1,)]


def test_nothing_at_all_is_nothing(store: Store) -> None:
    """No wish, no answer."""
    assert store.look_ahead([], []) == ([], [])


def test_looking_ahead_takes_no_lease(store: Store) -> None:
    """Who reads ahead does not load: the next reader gets the lease."""
    store.look_ahead([wish(CREDENTIAL)], [])
    assert look(store, CREDENTIAL, token=new_token()).lease is Lease.WON


def test_a_slot_is_taken_once_however_often_it_is_sent(store: Store) -> None:
    """The answer may be lost on the way, and the request sent again."""
    keep(store)
    member = new_token()
    assert [attempt(store, log(1), member=member) for _ in range(2)] == [
        Taken(allowed=True, counts=(1,), waits_ms=(0,))
    ] * 2
    refused = attempt(store, log(1))
    assert refused is not None
    assert not refused.allowed


def test_several_logs_are_taken_together_or_not_at_all(store: Store) -> None:
    """As without a guard."""
    keep(store)
    attempt(store, log(1))
    refused = attempt(store, log(1), log(5, "b"))
    assert refused is not None
    assert (refused.allowed, refused.counts) == (False, (1, 0))


def nothing_there(store: Store) -> None:
    """No credential was ever stored."""


def superseded(store: Store) -> None:
    """It was revoked."""
    keep(store)
    store.bump([keys.tag_key("user:1")])


def held(store: Store) -> None:
    """It is being revoked at this moment."""
    keep(store)
    store.hold([keys.tag_key("user:1")], new_token(), MINUTE)


def not_found(store: Store) -> None:
    """There is no such credential, and that is known."""
    entry = entry_for(look(store, CREDENTIAL))
    fill(store, CREDENTIAL, Entry(entry.signature, entry.times, "n", b""))


def expired(store: Store) -> None:
    """It is kept, and past its time."""
    now = look(store, CREDENTIAL)
    times = Times.starting(now.now - 2000, ttl=1, stale_for=60, refresh_ahead=0)
    fill(store, CREDENTIAL, Entry(now.signature, times, "m", b"\x01"))


def without_its_tag(store: Store) -> None:
    """The generation was evicted."""
    keep(store)
    store.delete([CREDENTIAL.tag_keys[0]])


@pytest.mark.parametrize("spoiled", [nothing_there, superseded, held, not_found, expired, without_its_tag])
def test_a_credential_that_is_not_good_uses_up_nobodys_limit(store: Store, spoiled: Any) -> None:
    """Nothing is written for it, and the wish is answered by None, not by a refusal."""
    spoiled(store)
    assert attempt(store, log()) is None
    assert taken(store) == 0


def test_a_hold_that_has_lapsed_is_not_good_either(store: Store) -> None:
    """Its writer died: whether the credential was revoked is unknown."""
    keep(store)
    store.hold([keys.tag_key("user:1")], new_token(), 1)
    end = look(store, make_address("clock")).now + 1
    wait_until(lambda: look(store, make_address("clock")).now > end, what="the hold has lapsed")
    assert attempt(store, log()) is None
    assert taken(store) == 0


def test_a_new_generation_is_seen_between_two_attempts(store: Store) -> None:
    """The guard is looked at each time."""
    keep(store)
    assert attempt(store, log()) is not None
    store.bump([keys.tag_key("user:1")])
    assert attempt(store, log()) is None
    keep(store)
    again = attempt(store, log())
    assert again is not None
    assert again.counts == (2,)


@pytest.mark.parametrize("spoiled", [nothing_there, superseded, held, expired, without_its_tag])
def test_what_is_not_fresh_beyond_doubt_is_not_found(store: Store, spoiled: Any) -> None:
    """Its reader asks in the ordinary way."""
    spoiled(store)
    assert store.look_ahead([wish(CREDENTIAL)], []) == ([None], [])


def test_looking_ahead_makes_nothing_up(store: Store) -> None:
    """Whoever asks is not let in yet, and must not fill the store with the tags of whatever is named."""
    unknown = make_address("unknown", "user:99")
    store.look_ahead([wish(unknown)], [Attempt(logs=(log(),), member=new_token(), guard=wish(unknown))])
    assert [key for key in store.scan("cp:*") if "99" in key or "limit" in key] == []


def test_not_found_is_an_answer_too(store: Store) -> None:
    """Of an entry that is read; only a credential has to be more."""
    not_found(store)
    found = store.look_ahead([wish(CREDENTIAL)], [])[0][0]
    assert found is not None
    assert found.blob is not None
