"""What counters do in a real Redis: how often they ask it, whose clock they go by, what stays."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock
from unittest.mock import Mock

import pytest

from cache_platform.exceptions import StoreUnavailable
from cache_platform.statistics import WINDOWS
from cache_platform.stores import counting
from cache_platform.stores.redis import RedisStore
from tests.integration.limits.trips import counted_trips
from tests.services.redis import RedisUnderTest


@pytest.fixture
def store(redis_cache: RedisUnderTest) -> RedisStore:
    """A store that is connected."""
    store = RedisStore("default")
    store.ping()
    return store


@pytest.mark.parametrize("window", list(WINDOWS))
def test_buckets_cost_a_round_trip_for_their_sizes_and_one_a_page(store: RedisStore, window: str) -> None:
    """So that others are served in between; one more only where the bucket ended meanwhile."""
    found = []
    for counted in (0, 1, 2):
        with counted_trips() as sent:
            assert counting.summed(store.read_buckets(**WINDOWS[window])) == ({"a|hits": counted} if counted else {})
        found.append(len(sent))
        store.add_counters("p", counted + 1, {"a|hits": 1})
    assert (found[0], min(found[1:])) == (1, 2)


def test_a_page_has_so_many_counters_at_the_most(store: RedisStore, redis_cache: RedisUnderTest) -> None:
    """However many minutes that is: what holds others up is how much a server tells at once."""
    minute = int(time.time()) // 60
    with redis_cache.client() as raw:
        for back, fields in enumerate((3, 2, 9, 0, 4)):
            if fields:
                raw.hset(f"cp:{{stats}}:m:{minute - back}", mapping={f"a|c{n}": 1 for n in range(fields)})
    with mock.patch.object(counting, "FIELDS_A_PAGE", 6), counted_trips() as sent:
        found = store.read_buckets(minutes=10)
    assert sum(len(amounts) for _, amounts in found) == 18
    assert len(sent) >= 1 + 3
    assert list(counting._pages({"a": 4, "b": 0, "c": 5000, "d": 1, "e": 2})) == [["a"], ["c"], ["d", "e"]]


def test_reading_statistics_slowly_does_not_open_the_breaker(store: RedisStore, settings: Any) -> None:
    """They are large by nature, and a page that shows them must not cost all readers the store."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "SLOW_AFTER": 0.0, "SLOW_RUN": 1}
    with (
        mock.patch("cache_platform.breaker.SHORTEST_SLOW_SPAN", 0.0),
        mock.patch.object(store.breaker, "_own_delay", return_value=0.0),
    ):
        store.read_buckets(fives=72)
        store.read_totals()
        store.read_loads("a.b")
        list(store.scan("cp:*"))
        assert not store.breaker.is_open
        store.ping()
        assert store.breaker.is_open, "every answer counts as slow here"


def test_a_server_that_is_away_opens_it_when_statistics_are_read(
    store: RedisStore, redis_cache: RedisUnderTest
) -> None:
    """An error is one, whatever was asked."""
    redis_cache.kill()
    with pytest.raises(StoreUnavailable):
        store.read_buckets(fives=72)
    assert store.breaker.is_open


@pytest.mark.parametrize("hours_off", [-30, -1, 1, 30])
def test_buckets_go_by_the_servers_clock(store: RedisStore, hours_off: int) -> None:
    """A machine whose clock is wrong shows the same ones, for a second round trip."""
    store.add_counters("p", 1, {"a|hits": 1})
    wrong = time.time() + hours_off * 3600
    with mock.patch("cache_platform.stores.counting.time", Mock(time=lambda: wrong)), counted_trips() as sent:
        found = store.read_buckets(minutes=5)
    assert sum(amounts.get("a|hits", 0) for _, amounts in found) == 1
    assert len(sent) >= 2


def test_totals_stay_and_buckets_expire(store: RedisStore, redis_cache: RedisUnderTest) -> None:
    """No time is set on the totals; all other keys of the statistics end by themselves."""
    store.add_counters("p", 1, {"a|hits": 1}, {"a": [b"load"]})
    with redis_cache.client() as raw:
        lives: dict[Any, int] = {name: raw.ttl(name) for name in raw.scan_iter("cp:{stats}:*")}
    assert lives.pop(b"cp:{stats}:total") == -1
    assert len(lives) == 5
    assert min(lives.values()) > 0


def test_totals_of_another_server_begin_again(store: RedisStore, redis_cache: RedisUnderTest) -> None:
    """As after a restart from a snapshot: sums that go back by a little would be taken for so much counted anew."""
    store.add_counters("p", 1, {"a|hits": 1000})
    with redis_cache.client() as raw:
        raw.hset("cp:{stats}:total", "server", "another")
    assert store.read_totals() == {}
    store.add_counters("p", 2, {"a|hits": 2})
    store.add_counters("p", 3, {"a|hits": 1})
    assert store.read_totals() == {"a|hits": 3}
    assert store.read_counters(minutes=5) == {"a|hits": 1003}


def test_counts_of_any_length_are_read(store: RedisStore) -> None:
    """Bytes and millionths of a dollar grow large."""
    store.add_counters("p", 1, {"a|bytes_stored": 9_200_000_000_000_000_000})
    assert store.read_totals() == {"a|bytes_stored": 9_200_000_000_000_000_000}


def test_what_somebody_else_wrote_into_the_totals_is_replaced(store: RedisStore, redis_cache: RedisUnderTest) -> None:
    """A key of another type, and a field that is no number."""
    with redis_cache.client() as raw:
        raw.set("cp:{stats}:total", "x")
        store.add_counters("p", 1, {"a|hits": 1})
        raw.hset("cp:{stats}:total", mapping={"a|misses": "many", "other": "text"})
        raw.set("cp:{stats}:recent:a", "x")
    assert store.read_loads("a") == []
    store.add_counters("p", 2, {"a|hits": 1, "a|misses": 5}, {"a": [b"load"]})
    assert store.read_totals() == {"a|hits": 2, "a|misses": 5}
    assert store.read_loads("a") == [b"load"]
    with redis_cache.client() as raw:
        raw.set("cp:{stats}:total", "x")
    assert store.read_totals() == {}
