"""Sliding-window logs of both stores against a model, by a clock that all three share."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from cache_platform.stores import redis as redis_store
from cache_platform.stores.base import Log, Store, Taken
from cache_platform.stores.lua import script
from cache_platform.stores.memory import MemoryStore
from cache_platform.stores.redis import RedisStore
from cache_platform.testing import FakeClock
from tests.conftest import use_redis
from tests.services.redis import RedisUnderTest

NAMES = ("a", "b", "c")
WINDOWS_MS = dict(zip(NAMES, (20_000, 30_000, 60_000), strict=True))
"""Long, because real time, in which keys expire in Redis, is not to matter here."""


@dataclass(frozen=True)
class Step:
    """Time passes; then a slot is taken in `logs` as `member`, or that member's are given back."""

    pause_ms: int
    member: int
    logs: tuple[tuple[str, int, bool], ...]
    give_back: bool


@dataclass
class Model:
    """What a log is, in the plainest words."""

    clock: FakeClock
    admitted: dict[str, dict[str, int]] = field(default_factory=lambda: {name: {} for name in NAMES})

    def take(self, logs: Sequence[Log], member: str) -> Taken:
        """See Store."""
        now = self.clock()
        waits = [self._wait(log, member, now) for log in logs]
        allowed = all(log.shadow for log, wait in zip(logs, waits, strict=True) if wait)
        for log, wait in zip(logs, waits, strict=True):
            if allowed and not wait and member not in self._inside(log, now):
                self.admitted[log.key[-1]][member] = now
        counts = tuple(len(self._inside(log, now)) for log in logs)
        return Taken(allowed=allowed, counts=counts, waits_ms=tuple(waits))

    def give_back(self, member: str) -> None:
        """In all logs."""
        for members in self.admitted.values():
            members.pop(member, None)

    def _inside(self, log: Log, now: int) -> dict[str, int]:
        members = self.admitted[log.key[-1]].items()
        return {member: at for member, at in members if now - log.window_ms < at <= now}

    def _wait(self, log: Log, member: str, now: int) -> int:
        """Until so many have left that fewer than the limit are inside."""
        inside = self._inside(log, now)
        if member in inside or len(inside) < log.limit:
            return 0
        leaving = sorted(at + log.window_ms for at in inside.values())
        return leaving[len(inside) - log.limit] - now


def steps() -> st.SearchStrategy[list[Step]]:
    """Members come again, limits change between requests, logs are in shadow or not."""
    logs = st.lists(
        st.tuples(st.sampled_from(NAMES), st.integers(1, 4), st.booleans()),
        min_size=1,
        max_size=len(NAMES),
        unique_by=lambda each: each[0],
    )
    step = st.builds(
        Step,
        pause_ms=st.sampled_from([0, 1, 4_000, 10_000, 19_999, 20_000, 30_000]),
        member=st.integers(0, 12),
        logs=logs.map(tuple),
        give_back=st.integers(0, 5).map(lambda number: number == 0),
    )
    return st.lists(step, min_size=1, max_size=30)


@pytest.fixture(params=["memory", "valkey", pytest.param("redis", marks=pytest.mark.system)])
def store(request: pytest.FixtureRequest, settings: Any) -> Iterator[tuple[Store, FakeClock]]:
    """Each store in turn, and the clock that it goes by."""
    clock = FakeClock(1_700_000_000_000)
    if request.param == "memory":
        yield MemoryStore(max_bytes=1_000_000, clock=clock), clock
        return
    server: RedisUnderTest = request.getfixturevalue("redis_server" if request.param == "valkey" else "debian_redis")
    use_redis(settings, server.url)
    with server.client() as raw, mock.patch.object(redis_store, "script", lambda name: _by(clock, raw, name)):
        yield RedisStore("default"), clock


def _by(clock: FakeClock, raw: redis.Redis, name: str) -> tuple[str, str]:
    """A script that asks for the test's clock instead of the server's."""
    raw.set("test:now", clock())
    text = script(name)[1]
    real = "local t = redis.call('TIME')\n  return t[1] * 1000 + math.floor(t[2] / 1000)"
    assert real in text
    text = text.replace(real, "return tonumber(redis.call('GET', 'test:now'))")
    return hashlib.sha1(text.encode()).hexdigest(), text


turns = itertools.count()


@settings(max_examples=100)
@given(steps())
def _agree(store: Store, clock: FakeClock, taken: list[Step]) -> None:
    turn, model = next(turns), Model(clock)
    for step in taken:
        clock.now += step.pause_ms
        member = f"m{step.member}"
        logs = [
            Log(key=f"cp:limit:t{turn}:{name}", limit=limit, window_ms=WINDOWS_MS[name], shadow=shadow)
            for name, limit, shadow in step.logs
        ]
        if step.give_back:
            store.give_back([f"cp:limit:t{turn}:{name}" for name in NAMES], member)
            model.give_back(member)
        else:
            assert store.take(logs, member) == model.take(logs, member)


def test_the_store_and_the_model_agree(store: tuple[Store, FakeClock]) -> None:
    """Several logs at once, some in shadow: who is admitted, how many are inside, how long to wait."""
    _agree(*store)
