"""What counters do in a real Redis: how often they ask it, whose clock they go by, what stays."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock

import pytest

from cache_platform.stores.redis import RedisStore
from tests.integration.limits.trips import counted_trips
from tests.services.redis import RedisUnderTest


@pytest.fixture
def store(redis_cache: RedisUnderTest) -> RedisStore:
    """A store that is connected."""
    store = RedisStore("default")
    store.ping()
    return store


def test_buckets_cost_one_round_trip(store: RedisStore) -> None:
    """However many; a second one only where the minute ended in between."""
    store.add_counters("p", 1, {"a|hits": 1})
    trips = []
    for _ in range(2):
        with counted_trips() as sent:
            store.read_buckets(minutes=360)
        trips.append(len(sent))
    assert min(trips) == 1


@pytest.mark.parametrize("hours_off", [-30, -1, 1, 30])
def test_buckets_go_by_the_servers_clock(store: RedisStore, hours_off: int) -> None:
    """A machine whose clock is wrong shows the same ones, for a second round trip."""
    store.add_counters("p", 1, {"a|hits": 1})
    wrong = time.time() + hours_off * 3600
    with mock.patch("cache_platform.stores.counting.time.time", return_value=wrong), counted_trips() as sent:
        found = store.read_buckets(minutes=5)
    assert sum(amounts.get("a|hits", 0) for _, amounts in found) == 1
    assert len(sent) >= 2


def test_totals_stay_and_buckets_expire(store: RedisStore, redis_cache: RedisUnderTest) -> None:
    """No time is set on the totals; all other keys of the statistics end by themselves."""
    store.add_counters("p", 1, {"a|hits": 1})
    with redis_cache.client() as raw:
        lives: dict[Any, int] = {name: raw.ttl(name) for name in raw.scan_iter("cp:{stats}:*")}
    assert lives.pop(b"cp:{stats}:total") == -1
    assert len(lives) == 3
    assert min(lives.values()) > 0


def test_what_somebody_else_wrote_into_the_totals_is_replaced(store: RedisStore, redis_cache: RedisUnderTest) -> None:
    """A key of another type, and a field that is no number."""
    with redis_cache.client() as raw:
        raw.set("cp:{stats}:total", "x")
        store.add_counters("p", 1, {"a|hits": 1})
        raw.hset("cp:{stats}:total", mapping={"a|misses": "many", "other": "text"})
    store.add_counters("p", 2, {"a|hits": 1, "a|misses": 5})
    assert store.read_totals() == {"a|hits": 2, "a|misses": 5}
