"""What a flush costs: counted in round trips and keys, since a time says how busy the machine is."""

from __future__ import annotations

from typing import Any

import pytest

from cache_platform import flush_policy, get_or_load, peek
from cache_platform.flushing import count, flush, target_of
from cache_platform.stores import get_store
from tests.integration.limits.trips import counted_trips
from tests.services.redis import RedisUnderTest

ENTRIES = 100_000


@pytest.fixture
def full(redis_cache: RedisUnderTest, declare: Any) -> Any:
    """A policy with 100,000 entries, one of which is real."""
    policy = declare(name="test.full", schema=dict, params={"user_id": int})
    get_or_load(policy, {"user_id": 0}, lambda user_id: {"id": user_id})
    with redis_cache.client() as raw:
        pipeline = raw.pipeline(transaction=False)
        for number in range(1, ENTRIES):
            pipeline.set(policy.address({"user_id": number}).key, b"x")
        pipeline.execute()
    return policy


def calls(raw: Any) -> dict[str, int]:
    """How often each command was run, those of scripts included, since the counts were reset."""
    return {name.removeprefix("cmdstat_"): found["calls"] for name, found in raw.info("commandstats").items()}


def test_a_policy_of_100_000_entries_is_flushed_at_the_cost_of_one(full: Any, redis_cache: RedisUnderTest) -> None:
    """One round trip, one key read and one written; no entry is looked at, and none is served afterwards."""
    get_store().ping()
    with redis_cache.client() as raw:
        before = raw.dbsize()
        raw.config_resetstat()
        with counted_trips() as sent:
            done = flush(target_of({"policy": "test.full"}), by=None, where="command")
        ran = calls(raw)
        assert raw.dbsize() == before
    assert (done.generations, len(sent)) == (1, 1)
    assert ran.keys() <= {"evalsha", "get", "set", "time", "pttl", "config|resetstat", "info"}
    assert (ran["evalsha"], ran["get"], ran["set"]) == (1, 1, 1)
    assert peek(full, {"user_id": 0}) is None


def test_counting_first_reads_names_and_no_entry(full: Any, redis_cache: RedisUnderTest) -> None:
    """SCAN alone, so a page that shows the count keeps nobody waiting."""
    with redis_cache.client() as raw:
        raw.config_resetstat()
        assert count(target_of({"policy": "test.full"})).entries == ENTRIES
        ran = calls(raw)
    assert ran.keys() <= {"scan", "config|resetstat", "info"}


def test_a_pattern_deletes_all_of_them(full: Any, redis_cache: RedisUnderTest) -> None:
    """In pages, so that the server serves others in between."""
    assert flush(target_of({"pattern": "test.full:*"}), by=None, where="command").entries == ENTRIES
    assert count(target_of({"policy": "test.full"})).entries == 0
    assert flush_policy(full) == 1
