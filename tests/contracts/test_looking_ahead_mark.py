"""Reading ahead on a store whose writes may wait in an outbox: only what somebody has looked at lately is believed."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from cache_platform import keys
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores.base import Attempt, Found, Log, Lookup, Stored, Taken, new_token
from cache_platform.stores.pending import pending
from cache_platform.stores.redis import RedisStore
from tests.conftest import use_redis
from tests.contracts.test_stores import MINUTE, entry_for, fill, look, make_address
from tests.integration.limits.trips import counted_trips
from tests.services.redis import RedisUnderTest

CREDENTIAL = make_address("credential", "user:1")
SHARED = make_address("shared", "shop:1")
LOG = Log(key="cp:limit:mark:60:!a", limit=2, window_ms=MINUTE)


class Noted:
    """What a store's looks at the outbox are told."""

    def __init__(self) -> None:
        self.told: list[str] = []


@pytest.fixture
def store(redis_server: RedisUnderTest, settings: Any) -> RedisStore:
    """A store with an outbox, and two good entries."""
    use_redis(settings, redis_server.url)
    store = RedisStore("default")
    for address, strict in ((CREDENTIAL, True), (SHARED, False)):
        assert fill(store, address, entry_for(look(store, address, strict=strict)), strict=strict) is Stored.STORED
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": None}
    return store


@pytest.fixture
def noted(store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> Noted:
    """What is told from now on."""
    noted = Noted()
    for name in ("believed", "doubted"):
        monkeypatch.setattr(store.looks, name, lambda name=name: noted.told.append(name))
    return noted


def leave_mark(server: RedisUnderTest, *, ago_ms: int = 0) -> None:
    """Have somebody have looked at the outbox so long ago."""
    with server.client() as raw:
        raw.set(keys.mark_key(), now(raw) - ago_ms, px=MINUTE)


def now(raw: redis.Redis) -> int:
    """Milliseconds by the server's clock."""
    moment: Any = raw.time()
    return int(moment[0]) * 1000 + int(moment[1]) // 1000


def ahead(store: RedisStore) -> tuple[list[Found | None], list[Taken | None]]:
    """A strict entry, a relaxed one, and a slot for the holder of the strict one."""
    strict = Lookup(address=CREDENTIAL, strict=True, tag_ms=MINUTE)
    relaxed = Lookup(address=SHARED, strict=False, tag_ms=MINUTE)
    return store.look_ahead([strict, relaxed], [Attempt(logs=(LOG,), member=new_token(), guard=strict)])


def slots(server: RedisUnderTest) -> int:
    """How many are taken."""
    with server.client() as raw:
        return int(raw.zcard(LOG.key))


def test_with_the_mark_entries_are_believed_and_a_slot_is_taken(
    store: RedisStore, noted: Noted, redis_server: RedisUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that the store was believed is noted: it is the reason to go on without a database later."""
    for module in ("calls", "redis"):  # so long ago cannot happen while this test runs
        monkeypatch.setattr(f"cache_platform.stores.{module}.MARK_LASTS", 60)
    leave_mark(redis_server)
    found, taken = ahead(store)
    assert [each is not None for each in found] == [True, True]
    assert taken == [Taken(allowed=True, counts=(1,), waits_ms=(0,))]
    assert (slots(redis_server), noted.told) == (1, ["believed"])


@pytest.mark.parametrize("ago_ms", [None, 1_000, -5_000], ids=["missing", "old", "of a time to come"])
def test_without_the_mark_no_strict_entry_is_believed_and_no_slot_taken(
    store: RedisStore, noted: Noted, redis_server: RedisUnderTest, ago_ms: int | None
) -> None:
    """Whether the credential was revoked a moment ago is unknown. What is relaxed may be that old."""
    if ago_ms is not None:
        leave_mark(redis_server, ago_ms=ago_ms)
    found, taken = ahead(store)
    assert [each is not None for each in found] == [False, True]
    assert taken == [None]
    assert (slots(redis_server), noted.told) == (0, [])


def test_where_there_is_no_outbox_no_mark_is_needed(
    store: RedisStore, redis_server: RedisUnderTest, settings: Any
) -> None:
    """Nothing can wait there."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": []}
    found, taken = ahead(store)
    assert None not in found
    assert None not in taken
    assert slots(redis_server) == 1


def test_bumps_that_are_due_are_made_before_anything_is_read_ahead(
    store: RedisStore, redis_server: RedisUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process has written something that it could not say: its own credential's end, perhaps."""
    for module in ("calls", "redis"):
        monkeypatch.setattr(f"cache_platform.stores.{module}.MARK_LASTS", 60)
    leave_mark(redis_server)
    pending.add([CREDENTIAL.tag_keys[0]])
    found, taken = ahead(store)
    assert [each is not None for each in found] == [False, True]
    assert taken == [None]
    assert (len(pending), slots(redis_server)) == (0, 0)


@pytest.mark.parametrize("due", [False, True], ids=["nothing due", "bumps due"])
def test_with_the_breaker_open_nobody_waits_for_the_server(
    store: RedisStore, noted: Noted, redis_server: RedisUnderTest, due: bool
) -> None:
    """Bumps are tried whatever the breaker says, but not at the cost of a request that reads ahead."""
    with pytest.raises(StoreUnavailable):
        store.breaker.call(broken)
    store.breaker._wake.set()  # its own questions are not this test's
    if due:
        pending.add([CREDENTIAL.tag_keys[0]])
    with counted_trips() as sent, pytest.raises(StoreUnavailable, match="breaker open"):
        ahead(store)
    assert (sent, len(pending), noted.told) == ([], int(due), ["doubted"])


def broken() -> None:
    """The server is away."""
    raise StoreUnavailable("away on purpose")


def test_a_failure_of_the_bumps_is_one_of_the_store(
    store: RedisStore, noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay due, and this process doubts what it believed."""

    def bump(*_: object, **__: object) -> int:
        raise StoreUnavailable("away on purpose")

    pending.add([CREDENTIAL.tag_keys[0]])
    monkeypatch.setattr(store, "bump", bump)
    with pytest.raises(StoreUnavailable):
        ahead(store)
    assert (len(pending), noted.told) == (1, ["doubted"])
