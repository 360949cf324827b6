"""Entries that are evicted take no limit along, when limits have a server of their own; and do where they have none."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from cache_platform import get_or_load
from cache_platform.policies import CachePolicy
from cache_platform.ratelimits import RateLimiter
from tests.conftest import use_redis
from tests.services.redis import RedisUnderTest

PEOPLE = 200
LIMIT, WINDOW = 2, 600
EVICTED = 1_000
"""So many keys the entries drive out."""
MOST_ENTRIES = 20_000
SIZE = 4_000


@pytest.fixture
def entries(declare: Callable[..., CachePolicy[Any]]) -> CachePolicy[Any]:
    """The policy whose entries fill a server."""
    return declare(name="test.entries", params={"id": int}, consistency="relaxed", audience="public")


def use_up(limiter: RateLimiter) -> None:
    """Everybody has had what they may have."""
    for person in range(PEOPLE):
        decisions = [limiter.check(("user", str(person)), LIMIT, WINDOW) for _ in range(LIMIT + 1)]
        assert [(each.allowed, each.enforced) for each in decisions] == [*[(True, True)] * LIMIT, (False, True)]


def fill(server: RedisUnderTest, policy: CachePolicy[Any]) -> None:
    """Store entries, and read each a few times, until they have driven out many keys."""
    with server.client() as client:

        def evicted() -> int:
            return int(client.info("stats")["evicted_keys"])

        before = evicted()
        for number in range(MOST_ENTRIES):
            for _ in range(3):
                get_or_load(policy, {"id": number}, lambda id: {"text": secrets.token_hex(SIZE // 2)})
            if number % 100 == 0 and evicted() - before >= EVICTED:
                return
    raise AssertionError("the entries drove nothing out")


def keys_of(server: RedisUnderTest, start: str) -> int:
    """How many keys begin so."""
    with server.client() as client:
        return sum(1 for _ in client.scan_iter(f"{start}*", count=1000))


def refused(limiter: RateLimiter) -> int:
    """How many of the people are still refused, by the server's word."""
    decisions = [limiter.check(("user", str(person)), LIMIT, WINDOW) for person in range(PEOPLE)]
    assert all(each.enforced for each in decisions)
    return sum(not each.allowed for each in decisions)


@pytest.mark.parametrize("policy", ["allkeys-lfu", pytest.param("volatile-lfu", marks=pytest.mark.long)])
def test_no_limit_is_evicted_with_entries(
    redis_server: RedisUnderTest, state_redis: RedisUnderTest, settings: Any, entries: CachePolicy[Any], policy: str
) -> None:
    """The server for entries evicts again and again; each limit that is used up stays so, on the other one."""
    use_redis(settings, redis_server.url, state=state_redis.url)
    redis_server.limit_memory("4mb", policy=policy)
    limiter = RateLimiter("evicted")
    use_up(limiter)
    fill(redis_server, entries)
    assert keys_of(state_redis, "cp:limit:evicted:") == PEOPLE
    assert refused(limiter) == PEOPLE
    assert (keys_of(redis_server, "cp:limit:"), keys_of(state_redis, "cp:test.entries:")) == (0, 0)


def test_with_one_server_that_evicts_limits_are_lost(
    redis_server: RedisUnderTest, settings: Any, entries: CachePolicy[Any]
) -> None:
    """The trap that the guide warns of: those whose limit was used up are admitted again."""
    use_redis(settings, redis_server.url)
    redis_server.limit_memory("4mb", policy="volatile-lfu")
    limiter = RateLimiter("evicted")
    use_up(limiter)
    fill(redis_server, entries)
    assert keys_of(redis_server, "cp:limit:evicted:") < PEOPLE
    assert refused(limiter) < PEOPLE
