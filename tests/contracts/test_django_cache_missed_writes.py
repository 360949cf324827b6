"""What was written while Redis was away is not served old afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from cache_platform.stores import connection, missed_writes
from cache_platform.stores.sweeps import Sweep
from tests.contracts.django_cache import close_breaker, stored
from tests.services.redis import RedisUnderTest


def test_write_during_outage_is_not_served_old(own_redis: RedisUnderTest, frail_cache: Any) -> None:
    """What was changed or deleted while Redis hung is missing afterwards; what was not is still there."""
    frail_cache.set_many({"set": "old", "many": "old", "deleted": "old", "untouched": "old", "added": "old"})
    frail_cache.set("p:1", "old")
    own_redis.pause()
    frail_cache.set("set", "new")
    frail_cache.set_many({"many": "new"})
    frail_cache.delete("deleted")
    frail_cache.add("added", "new")
    frail_cache.delete_pattern("p:*")
    own_redis.resume()
    close_breaker()
    left = frail_cache.get_many(["set", "many", "deleted", "p:1", "untouched", "added"])
    assert left == {"untouched": "old", "added": "old"}


def test_clear_during_outage_is_done_afterwards(
    own_redis: RedisUnderTest, own_raw: redis.Redis, frail_cache: Any
) -> None:
    """And spares foreign keys, as always."""
    frail_cache.set("key", "old")
    own_raw.set("foreign", 1)
    own_redis.pause()
    frail_cache.clear()
    own_redis.resume()
    close_breaker()
    assert stored(own_raw) == [b"foreign"]


def test_more_missed_writes_than_can_be_remembered_clear_the_cache(
    own_redis: RedisUnderTest, own_raw: redis.Redis, frail_cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory stays bounded, and nothing old is served."""
    monkeypatch.setattr(missed_writes, "MOST_KEYS", 5)
    frail_cache.set("untouched", "old")
    own_raw.set("foreign", 1)
    own_redis.pause()
    frail_cache.set_many({f"key{n}": n for n in range(6)})
    own_redis.resume()
    close_breaker()
    assert stored(own_raw) == [b"foreign"]


def test_missed_writes_wait_for_a_server_that_dies_again() -> None:
    """A drain that fails forgets nothing: neither keys nor whole caches."""
    away, done = [True], []

    def tell(what: Any) -> None:
        if away:
            raise connection.StoreUnavailable("away again")
        done.append(what)

    cache_of_keys, other = Sweep("site:*"), Sweep("other:*")
    missed = missed_writes.MissedWrites(remove=lambda names: tell(sorted(names)), sweep=tell)
    missed.note(["site:1:a", "site:1:b"], all_of_them=cache_of_keys)
    missed.note_all(other)
    with pytest.raises(connection.StoreUnavailable):
        missed.drain()
    away.clear()
    missed.drain()
    missed.drain()
    assert done == [["site:1:a", "site:1:b"], other]


def test_failure_noted_after_the_breaker_closed_is_made_good_at_once(cache: Any, raw: redis.Redis) -> None:
    """Between a failure and its being remembered the breaker's thread may have closed the breaker."""
    cache.set("key", "old")
    cache._remember([cache._name("key", None)])
    assert stored(raw) == []
