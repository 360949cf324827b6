"""What else the relay does: each errand in its time, whatever it raises, and never in the way of the outbox."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest

from cache_platform import relay
from cache_platform.relay import errand, run_errands


class Stop:
    """Stops after so many ticks, each of which moves the clock on."""

    def __init__(self, ticks: int, clock: Callable[[float], object]) -> None:
        self._left = ticks
        self._advance = clock

    def wait(self, seconds: float) -> bool:
        self._advance(seconds)
        self._left -= 1
        return self._left < 0


class Clock:
    """A clock that moves with the ticks."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """The relay's clock, and no errands but this test's."""
    monkeypatch.setattr(relay, "_errands", {})
    clock = Clock()
    with mock.patch.object(relay, "time", clock), mock.patch.object(relay.connections, "close_all"):
        yield clock


def ticks(clock: Clock, seconds: float) -> None:
    """Let so much time pass in which errands run."""
    run_errands(Stop(int(seconds / relay.TICK), clock.advance))  # type: ignore[arg-type]  # it is asked to wait only


def test_errand_runs_at_once_and_then_as_often_as_it_wants(clock: Clock) -> None:
    """Every so many seconds, to the tick."""
    seen: list[float] = []
    errand("each second", lambda: seen.append(clock.now), every=1.0)
    ticks(clock, 3.5)
    assert seen == [100.25, 101.25, 102.25, 103.25]


def test_each_errand_has_its_own_pace(clock: Clock) -> None:
    """A rare one is not run with a frequent one."""
    seen: list[str] = []
    errand("often", lambda: seen.append("often"), every=0.5)
    errand("rarely", lambda: seen.append("rarely"), every=60.0)
    ticks(clock, 5)
    assert (seen.count("often"), seen.count("rarely")) == (10, 1)


def test_errand_that_raises_is_logged_and_comes_again(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Its database connections are closed, as they may be broken; the others go on in the same tick."""
    seen: list[str] = []

    def fail() -> None:
        seen.append("failed")
        raise ConnectionError("the broker is away")

    errand("broken", fail, every=1.0)
    errand("well", lambda: seen.append("well"), every=1.0)
    with caplog.at_level(logging.ERROR):
        ticks(clock, 2)
    assert seen == ["failed", "well"] * 2
    assert [record.getMessage() for record in caplog.records] == ["the errand broken stumbled"] * 2
    assert relay.connections.close_all.call_count == 2  # type: ignore[attr-defined]  # a mock


def test_slow_errand_waits_its_pause_after_its_end(clock: Clock) -> None:
    """It is not run again at once to make up for lost time."""
    seen: list[float] = []

    def slow() -> None:
        seen.append(clock.now)
        clock.advance(10.0)

    errand("slow", slow, every=1.0)
    ticks(clock, 1.75)
    assert seen == [100.25, 111.25]


def test_same_name_replaces_the_errand(clock: Clock) -> None:
    """An app that is loaded twice has one."""
    seen: list[str] = []
    errand("one", lambda: seen.append("old"), every=1.0)
    errand("one", lambda: seen.append("new"), every=1.0)
    ticks(clock, 0.5)
    assert seen == ["new"]


class Store:
    """A store whose outbox is looked at; it ends the relay after some looks."""

    def __init__(self, looks: int, stop: threading.Event) -> None:
        self.left = looks
        self._stop = stop

    def look_at_outbox(self) -> None:
        self.left -= 1
        if self.left <= 0:
            self._stop.set()


def test_errand_that_hangs_does_not_keep_the_outbox_waiting(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """It has a thread of its own: the relay looks on while the errand stands still."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": []}
    monkeypatch.setattr(relay, "_errands", {})
    monkeypatch.setattr(relay, "INTERVAL", 0.001)
    monkeypatch.setattr(relay, "TICK", 0.001)
    stop, entered, go = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        go.wait(20)

    errand("hangs", hang, every=1.0)
    looks = Store(1_000_000, stop)
    running = threading.Thread(target=relay.run, args=(looks, stop))
    running.start()
    try:
        assert entered.wait(20)
        looks.left = 5
        running.join(20)
        assert not running.is_alive()
    finally:
        stop.set()
        go.set()


def test_relay_without_errands_starts_no_thread_for_them(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """As in a project that has none."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": []}
    monkeypatch.setattr(relay, "_errands", {})
    stop = threading.Event()
    with mock.patch.object(relay, "run_errands") as errands:
        relay.run(Store(1, stop), stop)  # type: ignore[arg-type]  # it is only looked at
    errands.assert_not_called()
