"""What a lock costs while all is well."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from cache_platform import DistributedLock
from cache_platform.statistics import counters, read_window
from tests.integration.limits.trips import counted_trips
from tests.services.redis import RedisUnderTest

Queries = Callable[[int], AbstractContextManager[Any]]


def test_a_lock_costs_two_round_trips_and_no_query(
    redis_cache: RedisUnderTest, db: None, django_assert_num_queries: Queries
) -> None:
    """One to take it and one to let it go; whoever is refused at once has nothing to let go."""
    with DistributedLock("thing:1", timeout=60):
        pass
    with counted_trips() as sent, django_assert_num_queries(0), DistributedLock("thing:1", timeout=60) as lock:
        assert not lock.lost
    assert len(sent) == 2
    with DistributedLock("thing:1", timeout=60), counted_trips() as sent:
        assert not DistributedLock("thing:1", timeout=60).acquire()
    assert len(sent) == 1


def test_what_locks_did_is_in_the_statistics(redis_cache: RedisUnderTest) -> None:
    """Of all processes, by the kind of the lock."""
    with DistributedLock("thing:1", timeout=60), DistributedLock("thing:2", timeout=60):
        assert not DistributedLock("thing:1", timeout=60).acquire()
    counters.send()
    assert read_window("5m")["lock:thing"] == {"held": 2, "refused": 1}
