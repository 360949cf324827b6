"""Retry-After, on the running site: at that second a request is admitted, a second earlier it is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis

from tests.integration.limits.test_search_limit import search
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

LIMIT, WINDOW_MS = 2, 4000
ATTEMPTS = 5
"""How often it is tried again where a request was so late that it says nothing."""


@pytest.fixture
def raw(redis_server: RedisUnderTest) -> Iterator[redis.Redis]:
    """A plain client, for the clock that the limit goes by, and its log."""
    with redis_server.client() as client:
        yield client


def now(raw: redis.Redis) -> int:
    """Milliseconds of Redis' clock."""
    moment: Any = raw.time()
    return int(moment[0]) * 1000 + int(moment[1]) // 1000


def wait_for(raw: redis.Redis, moment: int) -> None:
    """Return at that moment, or just after it."""
    wait_until(lambda: now(raw) >= moment, what="the moment has come")


def used_up(client: httpx.Client, raw: redis.Redis) -> int:
    """Use the limit up; the moment at which its first slot is free again, as the log has it."""
    for key in raw.scan_iter("cp:limit:search:*"):
        raw.delete(key)
    assert [search(client).status_code for _ in range(LIMIT)] == [200] * LIMIT
    [key] = raw.scan_iter("cp:limit:search:*")
    scores: Any = raw.zrange(key, 0, 0, withscores=True)
    return int(scores[0][1]) + WINDOW_MS


def retried(client: httpx.Client, raw: redis.Redis) -> tuple[int, int, int] | None:
    """What the refusal said, and the answers a second before that moment and at it; None where the early one came so
    late that a slot may have been free."""
    free = used_up(client, raw)
    sent = now(raw)
    refusal = search(client)
    arrived = now(raw)
    if arrived >= free:
        return None
    assert refusal.status_code == 429
    seconds = int(refusal.headers["Retry-After"])
    # In whole seconds, rounded up: neither later than need be, nor too early for a client that waited.
    assert free - arrived <= seconds * 1000 < free - sent + 1000
    wait_for(raw, sent + (seconds - 1) * 1000)
    early = search(client).status_code
    if now(raw) >= free:
        return None
    wait_for(raw, arrived + seconds * 1000)
    return seconds, early, search(client).status_code


def test_a_retry_at_retry_after_passes_and_one_a_second_earlier_does_not(site: SiteFactory, raw: redis.Redis) -> None:
    """Counted from the refusal's arrival. Over two processes."""
    client = site(workers=2, RATE_LIMIT_SEARCH=f"{LIMIT}/{WINDOW_MS // 1000}s").client
    search(client)  # the news are loaded
    for _ in range(ATTEMPTS):
        found = retried(client, raw)
        if found is not None:
            assert found[1:] == (429, 200)
            return
    raise AssertionError(f"this machine was too slow {ATTEMPTS} times")
