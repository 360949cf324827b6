"""Several processes count under one lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.locks.actors import NAME, Actor, ActorFactory
from tests.integration.locks.conftest import Ask
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

pytestmark = pytest.mark.long

PROCESSES = 8
both = pytest.mark.parametrize("database", ["postgresql", "sqlite"], indirect=True)


def begin(counting: list[Actor], **order: Any) -> None:
    """All at once."""
    for actor in counting:
        actor.tell("count", name=NAME, **order)


@both
def test_no_count_is_lost(actors: ActorFactory, ask: Ask) -> None:
    """Read, then written, outside any transaction: the lock alone keeps them apart, and each gets its share."""
    patient = {"REDIS_SOCKET_TIMEOUT": "10", "REDIS_CONNECT_TIMEOUT": "10"}
    counting = actors(PROCESSES, **patient)
    begin(counting, times=25, guarded=False, timeout=60, wait=100)
    answers = [actor.answer() for actor in counting]
    assert answers == [{"refused": 0, "backends": ["redis"]}] * PROCESSES
    assert ask("SELECT value FROM lock_counter") == PROCESSES * 25


def flush(redis: RedisUnderTest, seen: Callable[[int], None]) -> None:
    """All is gone, in the middle, again and again."""
    for _ in range(8):
        redis.flush()
        seen(3)


def restart(redis: RedisUnderTest, seen: Callable[[int], None]) -> None:
    """It comes back at once, without anything."""
    redis.restart_empty()


def kill(redis: RedisUnderTest, seen: Callable[[int], None]) -> None:
    """It is gone for a while, in which they go on."""
    redis.kill()
    seen(20)
    redis.start()


def pause(redis: RedisUnderTest, seen: Callable[[int], None]) -> None:
    """It hangs for a while, and goes on with what it had."""
    redis.pause()
    seen(20)
    redis.resume()


@pytest.mark.parametrize("hurt", [flush, restart, kill, pause])
def test_counts_are_exact_whatever_happens_to_redis(
    actors: ActorFactory, ask: Ask, redis: RedisUnderTest, hurt: Callable[..., Any]
) -> None:
    """Behind the guard; and they never stop counting."""
    times = 40
    counting = actors(4)
    begin(counting, times=times, guarded=True, timeout=1, wait=5)

    def wait_for_more(more: int) -> None:
        before = ask("SELECT value FROM lock_counter")
        wait_until(lambda: ask("SELECT value FROM lock_counter") >= before + more, what="they count on", timeout=40)

    wait_for_more(20)
    hurt(redis, wait_for_more)
    answers = [actor.answer() for actor in counting]
    assert ask("SELECT value FROM lock_counter") == len(counting) * times
    if hurt in (kill, pause):
        assert {"postgresql"} < {backend for answer in answers for backend in answer["backends"]}
