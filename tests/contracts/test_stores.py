"""What every store must do: the same suite for memory and a real Valkey (and Debian's Redis in test-system)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cache_platform import keys
from cache_platform.entries import Entry, Times
from cache_platform.policies import Address
from cache_platform.stores.base import Fill, Found, Lease, Log, Lookup, Store, Stored, new_generation, new_token
from cache_platform.stores.memory import MemoryStore
from cache_platform.stores.redis import RedisStore
from tests.conftest import use_redis
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

MINUTE = 60_000


@pytest.fixture(params=["memory", "valkey", pytest.param("redis", marks=pytest.mark.system)])
def store(request: pytest.FixtureRequest, settings: Any) -> Store:
    """Each store in turn."""
    if request.param == "memory":
        return MemoryStore(max_bytes=1_000_000)
    server: RedisUnderTest = request.getfixturevalue("redis_server" if request.param == "valkey" else "debian_redis")
    use_redis(settings, server.url)
    return RedisStore("default")


@pytest.fixture
def address() -> Address:
    """An entry under two tags."""
    return make_address("thing", "user:1", "shop:2")


def make_address(name: str, *tags: str) -> Address:
    return Address(
        key=f"cp:test.{name}:-:0", tag_keys=tuple(keys.tag_key(tag) for tag in tags), digest=keys.digest(tags)
    )


def look(store: Store, address: Address, *, token: str = "", strict: bool = True, lease_ms: int = MINUTE) -> Found:
    return store.lookup([Lookup(address=address, strict=strict, tag_ms=MINUTE, token=token, lease_ms=lease_ms)])[0]


def entry_for(found: Found, *, ttl: float = 60, stale_for: float = 0, later: int = 0, body: bytes = b"\x01") -> Entry:
    times = Times.starting(found.now + later, ttl=ttl, stale_for=stale_for, refresh_ahead=0)
    return Entry(found.signature, times, "m", body)


def fill(store: Store, address: Address, entry: Entry, *, token: str = "", strict: bool = True) -> Stored:
    keep = entry.times.kept_until - entry.times.loaded
    wish = Fill(
        address=address, strict=strict, signature=entry.signature, blob=entry.dump(),
        loaded=entry.times.loaded, keep_ms=keep, token=token,
    )  # fmt: skip
    return store.fill([wish])[0]


def test_what_was_stored_is_found(store: Store, address: Address) -> None:
    """A fill with the generations just read is found by the next lookup, byte for byte."""
    entry = entry_for(look(store, address))
    assert fill(store, address, entry) is Stored.STORED
    assert look(store, address).blob == entry.dump()


def test_a_lookup_of_nothing_makes_up_generations_that_stay(store: Store, address: Address) -> None:
    """Two readers of a missing entry agree on its generations."""
    first, second = look(store, address), look(store, address)
    assert first.blob is None
    assert first.signature == second.signature


def test_several_lookups_and_fills_keep_their_order(store: Store) -> None:
    """Each answer of a batch belongs to the wish at its place."""
    addresses = [make_address(f"n{number}", f"n:{number}") for number in range(5)]
    wishes = [Lookup(address=each, strict=True, tag_ms=MINUTE) for each in addresses]
    entries = [entry_for(found, body=bytes([n])) for n, found in enumerate(store.lookup(wishes))]
    fills = [
        Fill(address=a, strict=True, signature=e.signature, blob=e.dump(), loaded=e.times.loaded, keep_ms=MINUTE)
        for a, e in zip(addresses, entries, strict=True)
    ]
    assert store.fill(fills) == [Stored.STORED] * 5
    assert [found.blob for found in store.lookup(wishes)] == [entry.dump() for entry in entries]


@pytest.mark.parametrize("tag", ["user:1", "shop:2"])
def test_a_bump_of_any_tag_supersedes(store: Store, address: Address, tag: str) -> None:
    """After a bump of one of its tags the entry is not found, and said to be superseded."""
    fill(store, address, entry_for(look(store, address)))
    assert store.bump([keys.tag_key(tag)]) == 1
    found = look(store, address)
    assert found.blob is None
    assert found.superseded


def test_a_bump_of_another_tag_changes_nothing(store: Store, address: Address) -> None:
    """Invalidation is exact."""
    fill(store, address, entry_for(look(store, address)))
    store.bump([keys.tag_key("user:9")])
    assert look(store, address).blob is not None


def test_a_value_loaded_before_a_bump_is_not_stored(store: Store, address: Address) -> None:
    """The race that delete-after-write loses: read old, write, bump, store old."""
    before = look(store, address)
    store.bump(list(address.tag_keys))
    assert fill(store, address, entry_for(before)) is Stored.SUPERSEDED
    assert look(store, address).blob is None


def test_a_missing_generation_is_a_miss(store: Store, address: Address) -> None:
    """Eviction of a tag makes its entries misses, never old values."""
    fill(store, address, entry_for(look(store, address)))
    store.delete([address.tag_keys[0]])
    assert look(store, address).blob is None


def test_another_tag_list_is_a_miss(store: Store, address: Address) -> None:
    """An entry stored under other tags is not valid for a reader that goes by these."""
    fill(store, address, entry_for(look(store, address)))
    other = Address(key=address.key, tag_keys=address.tag_keys[:1], digest=keys.digest(["user:1"]))
    assert look(store, other).blob is None


def test_a_relaxed_entry_carries_no_epoch(store: Store, address: Address) -> None:
    """Strict signatures carry the epoch, relaxed ones a dash."""
    assert look(store, address, strict=False).signature.split()[2] == "-"
    assert len(look(store, address, strict=True).signature.split()[2]) == 16


def test_an_older_load_does_not_replace_a_newer_one(store: Store, address: Address) -> None:
    """Of two loads under the same generations the one that began later stays."""
    found = look(store, address)
    newer = entry_for(found, later=500, body=b"\x02")
    fill(store, address, newer)
    assert fill(store, address, entry_for(found)) is Stored.NEWER
    assert look(store, address).blob == newer.dump()


def test_one_reader_wins_the_lease(store: Store, address: Address) -> None:
    """The first wish for a missing entry's lease wins, the second learns how long it lasts."""
    assert look(store, address, token=new_token()).lease is Lease.WON
    second = look(store, address, token=new_token())
    assert second.lease is Lease.TAKEN
    assert 0 < second.lease_ms <= MINUTE


def test_a_fresh_entry_needs_no_lease(store: Store, address: Address) -> None:
    """A hit takes no lease away from those who will need it."""
    fill(store, address, entry_for(look(store, address)))
    assert look(store, address, token=new_token()).lease is Lease.NONE


def test_an_entry_due_for_refresh_gives_the_lease_and_the_entry(store: Store, address: Address) -> None:
    """Refresh ahead: one reader gets the lease with its hit."""
    found = look(store, address)
    times = Times.starting(found.now, ttl=60, stale_for=0, refresh_ahead=1)
    fill(store, address, Entry(found.signature, times, "m", b"\x01"))
    first = look(store, address, token=new_token())
    assert first.blob is not None
    assert first.lease is Lease.WON


def test_a_fill_gives_the_lease_back(store: Store, address: Address) -> None:
    """After the winner stored and its entry is gone again, the lease is free."""
    token = new_token()
    found = look(store, address, token=token)
    fill(store, address, entry_for(found), token=token)
    store.bump(list(address.tag_keys))
    assert look(store, address, token=new_token()).lease is Lease.WON


def test_a_fill_of_a_stranger_leaves_the_lease(store: Store, address: Address) -> None:
    """Only its owner gives a lease back."""
    found = look(store, address, token=new_token())
    fill(store, address, entry_for(found), token=new_token())
    store.bump(list(address.tag_keys))
    assert look(store, address, token=new_token()).lease is Lease.TAKEN


def test_a_superseded_fill_gives_the_lease_back(store: Store, address: Address) -> None:
    """A winner whose value came too late does not keep others waiting."""
    token = new_token()
    found = look(store, address, token=token)
    store.bump(list(address.tag_keys))
    fill(store, address, entry_for(found), token=token)
    assert look(store, address, token=new_token()).lease is Lease.WON


def test_a_released_lease_is_free(store: Store, address: Address) -> None:
    """NONE frees it."""
    token = new_token()
    look(store, address, token=token)
    store.release(address, token, Lease.NONE)
    assert look(store, address, token=new_token()).lease is Lease.WON


def test_a_stranger_cannot_release(store: Store, address: Address) -> None:
    """A late loser does not free the winner's lease."""
    look(store, address, token=new_token())
    store.release(address, new_token(), Lease.NONE)
    assert look(store, address, token=new_token()).lease is Lease.TAKEN


def test_a_failed_load_keeps_others_away_and_is_remembered(store: Store, address: Address) -> None:
    """BACKOFF lasts as long as it says; the next winner learns how often it failed."""
    token = new_token()
    look(store, address, token=token)
    store.release(address, token, Lease.BACKOFF, pause_ms=50, failures=3)
    found = look(store, address, token=new_token())
    assert found.lease is Lease.BACKOFF
    assert 0 < found.lease_ms <= 50
    wait_until(lambda: look(store, address, token=token).lease is Lease.WON, what="the back-off ends")
    store.release(address, token, Lease.NONE)


def test_failures_are_told_to_the_next_winner(store: Store, address: Address) -> None:
    """A run of failures is counted over processes."""
    token = new_token()
    look(store, address, token=token)
    store.release(address, token, Lease.BACKOFF, pause_ms=1, failures=3)
    seen: list[Found] = []

    def won() -> bool:
        seen.append(look(store, address, token=token))
        return seen[-1].lease is Lease.WON

    wait_until(won, what="the back-off ends")
    assert seen[-1].failures == 3


def test_a_winner_that_cannot_store_says_so(store: Store, address: Address) -> None:
    """UNSTORABLE tells those who wait that waiting is in vain."""
    token = new_token()
    look(store, address, token=token)
    store.release(address, token, Lease.UNSTORABLE, pause_ms=MINUTE)
    assert look(store, address, token=new_token()).lease is Lease.UNSTORABLE


def test_a_held_tag_gives_no_lease_and_takes_no_fill(store: Store, address: Address) -> None:
    """Between hold and bump nothing is stored, and readers are told."""
    before = look(store, address)
    store.hold(address.tag_keys[:1], new_token(), MINUTE)
    found = look(store, address, token=new_token())
    assert found.held
    assert found.lease is Lease.NONE
    assert fill(store, address, entry_for(before)) is Stored.SUPERSEDED


def test_an_entry_is_there_under_a_hold_for_those_who_may_have_it(store: Store, address: Address) -> None:
    """Relaxed policies serve through a hold, so a hold alone does not change the generation."""
    fill(store, address, entry_for(look(store, address)))
    store.hold(address.tag_keys[:1], new_token(), MINUTE)
    assert look(store, address).blob is not None


def test_letting_go_without_a_bump_keeps_the_entry(store: Store, address: Address) -> None:
    """A transaction that failed for certain invalidates nothing."""
    token = new_token()
    fill(store, address, entry_for(look(store, address)))
    store.hold(address.tag_keys, token, MINUTE)
    store.let_go(address.tag_keys, token)
    found = look(store, address)
    assert found.blob is not None
    assert not found.held


def test_a_bump_removes_the_own_hold_only(store: Store, address: Address) -> None:
    """Of two writers the first one's bump leaves the tag held by the second."""
    first, second = new_token(), new_token()
    store.hold(address.tag_keys, first, MINUTE)
    store.hold(address.tag_keys, second, MINUTE)
    store.bump(address.tag_keys, first)
    assert look(store, address).held
    store.bump(address.tag_keys, second)
    assert not look(store, address).held


def test_a_lapsed_hold_takes_the_generation_with_it(store: Store, address: Address) -> None:
    """Whether a writer that died had committed is unknown: what was stored before must not be served."""
    fill(store, address, entry_for(look(store, address)))
    store.hold(address.tag_keys[:1], new_token(), 30)
    wait_until(lambda: not look(store, address).held, what="the hold lapses")
    assert look(store, address).blob is None


def test_the_first_reader_after_a_lapse_may_load_and_store(store: Store, address: Address) -> None:
    """A dead writer's hold costs nobody more than its deadline."""
    store.hold(address.tag_keys[:1], new_token(), 1)
    time.sleep(0.02)
    token = new_token()
    found = look(store, address, token=token)
    assert (found.held, found.lease) == (False, Lease.WON)
    assert fill(store, address, entry_for(found), token=token) is Stored.STORED


def test_holding_a_tag_again_moves_its_deadline(store: Store, address: Address) -> None:
    """One writer holds a tag once, however often it says so."""
    token = new_token()
    store.hold(address.tag_keys, token, MINUTE)
    store.hold(address.tag_keys, token, MINUTE)
    store.let_go(address.tag_keys, token)
    assert not look(store, address).held


def log(name: str, limit: int, window_ms: int = MINUTE, *, shadow: bool = False) -> Log:
    """A log of at most `limit` members."""
    return Log(key=f"cp:limit:t:{name}", limit=limit, window_ms=window_ms, shadow=shadow)


def test_a_log_admits_exactly_its_limit(store: Store) -> None:
    """Three fit, the fourth is told when; a refused one is not written down, however often it asks."""
    mine = log("a", 3)
    taken = [store.take([mine], new_token()) for _ in range(3)]
    assert [(each.allowed, each.counts, each.wait) for each in taken] == [(True, (n,), 0) for n in (1, 2, 3)]
    for _ in range(5):
        refused = store.take([mine], new_token())
        assert (refused.allowed, refused.counts) == (False, (3,))
        assert 0 < refused.wait <= 60


def test_a_log_frees_itself_when_the_window_moves_on(store: Store) -> None:
    """A member that left the window makes room for another."""
    mine = log("a", 1, window_ms=40)
    assert store.take([mine], new_token()).allowed
    wait_until(lambda: store.take([mine], new_token()).allowed, what="the window moves on")


def test_one_used_up_log_leaves_the_others_untouched(store: Store) -> None:
    """All or none: a refusal by one log costs nothing in the other."""
    small, large = log("s", 1), log("l", 2)
    assert store.take([small, large], new_token()).allowed
    refused = store.take([small, large], new_token())
    assert (refused.allowed, refused.counts) == (False, (1, 1))
    assert (refused.waits_ms[0] > 0, refused.waits_ms[1]) == (True, 0)
    assert store.take([large], new_token()).allowed
    assert not store.take([large], new_token()).allowed


def test_a_slot_given_back_is_free_at_once(store: Store) -> None:
    """For the next one; giving back what is not there does nothing."""
    mine, member = log("a", 1), new_token()
    assert store.take([mine], member).allowed
    assert not store.take([mine], new_token()).allowed
    store.give_back([mine.key, "cp:limit:t:nothing"], member)
    store.give_back([mine.key], member)
    assert store.take([mine], new_token()).allowed
    assert not store.take([mine], new_token()).allowed


def test_a_request_sent_again_takes_one_slot(store: Store) -> None:
    """Its answer was lost on the way: the second time it is told the same."""
    mine, member = log("a", 2), new_token()
    assert store.take([mine], member) == store.take([mine], member)
    assert store.take([mine], new_token()).allowed
    assert store.take([mine], member).allowed
    assert not store.take([mine], new_token()).allowed


def test_a_smaller_limit_counts_what_is_there(store: Store) -> None:
    """After a deployment that lowers it: refused until so many have left the window that one fits."""
    for _ in range(5):
        assert store.take([log("a", 5)], new_token()).allowed
    refused = store.take([log("a", 2)], new_token())
    assert (refused.allowed, refused.counts) == (False, (5,))


def test_a_shadow_log_refuses_nobody_and_keeps_to_its_limit(store: Store) -> None:
    """It says when it would have a slot; what did not fit is not written down."""
    watched = log("w", 1, shadow=True)
    first, *more = [store.take([watched], new_token()) for _ in range(3)]
    assert (first.allowed, first.counts, first.waits_ms) == (True, (1,), (0,))
    for taken in more:
        assert (taken.allowed, taken.counts) == (True, (1,))
        assert 0 < taken.waits_ms[0] <= MINUTE
    assert not store.take([log("w", 1)], new_token()).allowed


def test_a_used_up_shadow_log_does_not_keep_a_slot_from_the_others(store: Store) -> None:
    """The slot is taken where there is one."""
    watched, mine = log("w", 1, shadow=True), log("a", 2)
    assert store.take([watched, mine], new_token()).counts == (1, 1)
    second = store.take([watched, mine], new_token())
    assert (second.allowed, second.counts) == (True, (1, 2))
    assert (second.waits_ms[0] > 0, second.waits_ms[1]) == (True, 0)


def test_a_refusal_by_another_log_writes_nothing_into_a_shadow_log(store: Store) -> None:
    """A request that did not happen is not counted."""
    watched, mine = log("w", 5, shadow=True), log("a", 1)
    assert store.take([watched, mine], new_token()).allowed
    for _ in range(3):
        refused = store.take([watched, mine], new_token())
        assert (refused.allowed, refused.counts, refused.waits_ms[0]) == (False, (1, 1), 0)
    assert store.take([watched], new_token()).counts == (2,)


def test_a_slot_is_given_back_in_a_shadow_log_too(store: Store) -> None:
    """Both have room again."""
    watched, mine, member = log("w", 1, shadow=True), log("a", 1), new_token()
    store.take([watched, mine], member)
    store.give_back([watched.key, mine.key], member)
    again = store.take([watched, mine], new_token())
    assert (again.allowed, again.counts, again.waits_ms) == (True, (1, 1), (0, 0))


def test_counters_add_up_and_a_batch_counts_once(store: Store) -> None:
    """Sending a batch again, as after a lost answer, adds nothing."""
    store.add_counters("p1", 1, {"a|hits": 2})
    store.add_counters("p1", 1, {"a|hits": 2})
    store.add_counters("p1", 2, {"a|hits": 3})
    store.add_counters("p2", 1, {"a|hits": 10, "a|misses": 1})
    assert store.read_counters(minutes=5) == {"a|hits": 15, "a|misses": 1}
    assert store.read_counters(hours=24) == {"a|hits": 15, "a|misses": 1}


def test_totals_add_up_and_a_batch_counts_once(store: Store) -> None:
    """Every process's, and a batch that is sent again is not in them twice."""
    assert store.read_totals() == {}
    store.add_counters("p1", 1, {"a|hits": 2})
    store.add_counters("p1", 1, {"a|hits": 2})
    store.add_counters("p2", 1, {"a|hits": 10, "a|misses": 1})
    assert store.read_totals() == {"a|hits": 12, "a|misses": 1}


def test_buckets_come_oldest_first_and_add_up(store: Store) -> None:
    """All that were asked for, empty ones too, up to the one of this moment; their sums are what read_counters says."""
    store.add_counters("p1", 1, {"a|hits": 2})
    store.add_counters("p1", 2, {"a|hits": 3, "a|misses": 1})
    for unit, length, count in (("minutes", 60, 5), ("fives", 300, 72), ("hours", 3600, 24)):
        found = store.read_buckets(**{unit: count})
        starts = [start for start, _ in found]
        assert starts == list(range(starts[-1] - count * length, starts[-1] + 1, length))
        assert starts[-1] % length == 0
        # The minute may have ended since the first batch.
        hits = [amounts.get("a|hits", 0) for _, amounts in found]
        assert sum(hits) == sum(hits[-2:]) == 5
        assert [amounts for _, amounts in found[:-2]] == [{}] * (count - 1)
        assert store.read_counters(**{unit: count}) == {"a|hits": 5, "a|misses": 1}


def test_buckets_of_all_kinds_come_hours_first(store: Store) -> None:
    """And none where none was asked for."""
    assert store.read_buckets() == []
    found = [start for start, _ in store.read_buckets(minutes=2, fives=2, hours=1)]
    assert [start % 3600 for start in found[:2]] == [0, 0]
    assert [start % 300 for start in found[2:5]] == [0, 0, 0]
    assert found[7] - found[6] == 60
    assert len(found) == 8


def test_scan_finds_by_glob_and_delete_counts(store: Store, address: Address) -> None:
    """Keys are found by pattern and removed once."""
    fill(store, address, entry_for(look(store, address)))
    assert list(store.scan("cp:test.th*")) == [address.key]
    assert store.holds(address.key) is True
    assert store.holds("cp:test.nothing") is False
    assert store.delete([address.key, "cp:test.nothing"]) == 1
    assert list(store.scan("cp:test.*")) == []
    assert store.holds(address.key) is False


def test_scan_takes_escaped_characters_literally(store: Store) -> None:
    """A star in a key is found by an escaped star, and matches nothing else."""
    for name in ("a%2A", "ab"):
        address = make_address(name, "user:1")
        fill(store, address, entry_for(look(store, address)))
    assert list(store.scan(keys.escape_glob("cp:test.a*") + "*")) == []


def test_it_answers_and_describes_itself(store: Store) -> None:
    """A healthy store answers a ping and says how much memory it uses."""
    store.ping()
    assert store.describe()["used_memory"] >= 0


def test_generations_are_random() -> None:
    """64 bits, never a counter."""
    assert len({new_generation() for _ in range(1000)}) == 1000
