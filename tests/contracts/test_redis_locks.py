"""Locks in Redis after it was away: what is in doubt then, and what is still to be let go."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from cache_platform.exceptions import StoreUnavailable
from cache_platform.lock_grips import HELD
from cache_platform.stores import lock_store
from cache_platform.stores.connection import get_breaker
from cache_platform.stores.lock_store import RedisLocks
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

KEY = "cp:lock:{thing:42}"
NAME = "thing:42"


def lose_redis() -> None:
    """This process thinks that it is away, until its next probe."""

    def fail() -> None:
        raise StoreUnavailable("on purpose")

    with pytest.raises(StoreUnavailable):
        get_breaker("default").call(fail)


def test_an_outage_is_known_before_the_first_lock(redis_cache: RedisUnderTest) -> None:
    """Whatever in this process noticed it."""
    assert get_breaker("default").closings == 0
    lose_redis()
    wait_until(lambda: not get_breaker("default").is_open, what="the breaker closes")
    store = RedisLocks("default")
    assert (store.in_doubt, store.outages) == (True, 1)


def test_without_an_outage_there_is_no_doubt(redis_cache: RedisUnderTest) -> None:
    """The database is not asked."""
    assert (RedisLocks("default").in_doubt, RedisLocks("default").outages) == (False, 0)


def test_what_could_not_be_let_go_is_let_go_before_redis_is_used_again(
    redis_cache: RedisUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the process that had it; its timeout would be an hour. Only so many are remembered."""
    monkeypatch.setattr(lock_store, "MOST_LEFT", 1)
    store, raw = RedisLocks("default"), redis_cache.client()
    assert store.acquire(NAME, "a", 3600) == HELD
    assert store.acquire("thing:43", "a", 3600) == HELD
    lose_redis()
    with pytest.raises(StoreUnavailable):
        store.release(NAME, "a")
    store.release_later(NAME, "a")
    store.release_later("thing:43", "a")
    assert raw.get(KEY) == b"a"
    wait_until(lambda: not get_breaker("default").is_open, what="the breaker closes")
    assert raw.get(KEY) is None
    assert raw.get("cp:lock:{thing:43}") == b"a"
    assert not store._left
    raw.close()


def test_what_is_remembered_too_late_is_let_go_at_once(redis_cache: RedisUnderTest) -> None:
    """The breaker had closed in between; and only what is this owner's."""
    store = RedisLocks("default")
    assert store.acquire(NAME, "a", 3600) == HELD
    store.release_later(NAME, "b")
    assert store.renew(NAME, "a", 3600)
    store.release_later(NAME, "a")
    assert store.acquire(NAME, "b", 3600) == HELD


def test_scripts_that_are_forgotten_again_and_again_are_no_outage(
    redis_cache: RedisUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody empties the cache of scripts between this package's loading and its asking."""
    real = Redis.script_load

    def load_and_flush(client: Any, text: str) -> Any:
        answer = real(client, text)
        client.script_flush()
        return answer

    monkeypatch.setattr(Redis, "script_load", load_and_flush)
    with redis_cache.client() as raw:
        raw.script_flush()
    store = RedisLocks("default")
    assert store.acquire(NAME, "a", 60) == HELD
    assert store.release(NAME, "a")
    assert not get_breaker("default").is_open
