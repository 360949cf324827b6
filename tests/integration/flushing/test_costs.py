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
        start, end = policy.address({"user_id": 0}).key.split("=0:")
        for first in range(0, ENTRIES, 10_000):
            names = [f"{start}={number}:{end}" for number in range(max(first, 1), first + 10_000)]
            raw.mset(dict.fromkeys(names, b"x"))
    return policy


def words(command: Any) -> list[bytes]:
    """What was sent: a command and its arguments (RESP: each behind its length)."""
    return b"".join(command).split(b"\r\n")[2::2]


def test_a_policy_of_100_000_entries_is_flushed_at_the_cost_of_one(full: Any, redis_cache: RedisUnderTest) -> None:
    """One round trip for one key, the policy's tag; no entry is touched, and none is served afterwards."""
    flush(target_of({"tag": "another"}), by=None, where="command")  # the server knows the script from then on
    with redis_cache.client() as raw:
        before = set(raw.scan_iter("cp:test.full:*", count=10_000))
        with counted_trips() as sent:
            done = flush(target_of({"policy": "test.full"}), by=None, where="command")
        assert set(raw.scan_iter("cp:test.full:*", count=10_000)) == before
    assert (done.generations, len(sent)) == (1, 1)
    command, _, keys_given, *rest = words(sent[0])
    assert (command, keys_given, rest[0]) == (b"EVALSHA", b"1", b"cp:tag:policy:test.full")
    assert peek(full, {"user_id": 0}) is None


def test_what_walks_the_keys_does_so_in_pages(full: Any) -> None:
    """So that the server serves others in between: counting, which reads names and no entry, and deleting by a
    pattern."""
    get_store().ping()
    with counted_trips() as sent:
        assert count(target_of({"policy": "test.full"})).entries == ENTRIES
    assert {words(each)[0] for each in sent} == {b"SCAN"}
    assert len(sent) >= ENTRIES / 300, "a page of a slow glob keeps the server from others"
    with counted_trips() as sent:
        assert not count(target_of({"policy": "test.full"}), within=0).whole
    assert len(sent) == 1, "it ends in time"
    assert flush(target_of({"pattern": "test.full:*"}), by=None, where="command").entries == ENTRIES
    assert count(target_of({"policy": "test.full"})).entries == 0
    assert flush_policy(full) == 1
