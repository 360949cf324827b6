"""The breaker: when it opens, when it closes, and that nobody waits for it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from cache_platform.breaker import Breaker
from cache_platform.exceptions import StoreFull, StoreNotAsked, StoreUnavailable
from tests.services.waiting import wait_until


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Move on."""
        self.now += seconds


class Server:
    """A server whose answers a test decides."""

    def __init__(self) -> None:
        self.up = True
        self.probes = 0

    def probe(self) -> None:
        self.probes += 1
        self.ask()

    def ask(self) -> str:
        if not self.up:
            raise StoreUnavailable("down")
        return "answer"


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def make(server: Server) -> Callable[[], Breaker]:
    """A breaker of the server; its thread is stopped with the test."""

    def new() -> Breaker:
        return Breaker("test", server.probe, clock=Clock())

    return new


def test_it_passes_answers_through(make: Callable[[], Breaker], server: Server) -> None:
    """While all is well it is not there."""
    assert make().call(server.ask) == "answer"


def test_one_failure_opens_it(make: Callable[[], Breaker], server: Server) -> None:
    """A timeout is paid once; after it nothing is asked."""
    breaker = make()
    server.up = False
    with pytest.raises(StoreUnavailable):
        breaker.call(server.ask)
    with pytest.raises(StoreUnavailable, match="breaker open: down"):
        breaker.call(lambda: pytest.fail("the server was asked"))
    breaker.reset()


def test_a_full_server_does_not_open_it(make: Callable[[], Breaker]) -> None:
    """It answered, quickly."""
    breaker = make()

    def full() -> None:
        raise StoreFull("OOM")

    with pytest.raises(StoreFull):
        breaker.call(full)
    assert not breaker.is_open


def test_a_run_of_slow_answers_opens_it() -> None:
    """A run, not one hiccup; a quick answer in between starts the count anew."""
    clock = Clock()
    breaker = Breaker("test", lambda: None, clock=clock)

    def answer(seconds: float) -> None:
        clock.now += seconds

    for seconds in [1.0] * 7 + [0.01] + [1.0] * 7:
        breaker.call(partial(answer, seconds))
    assert not breaker.is_open
    breaker.call(lambda: answer(1.0))
    assert breaker.is_open
    breaker.reset()


def test_a_busy_process_does_not_blame_the_server() -> None:
    """Answers that are late because this process's own threads are late do not count as slow."""
    clock = Clock()

    def wait(seconds: float) -> None:
        clock.now += seconds

    breaker = Breaker("test", lambda: None, clock=clock, step_aside=partial(wait, 0.1))
    for _ in range(20):
        breaker.call(partial(wait, 0.3))
    assert not breaker.is_open


def test_the_last_ones_out_of_a_crowd_do_not_blame_the_server() -> None:
    """They were kept waiting as well, though nobody is in their way any more."""
    clock, delays = Clock(), iter([0.2] + [0.0] * 50)
    breaker = Breaker("test", lambda: None, clock=clock, step_aside=lambda: clock.pass_by(next(delays)))
    breaker.call(partial(clock.pass_by, 0.4))
    with ThreadPoolExecutor(20) as pool:  # they end at the same moment, so the clock stands still meanwhile
        crowd = [clock.now - 0.4] * 20
        list(pool.map(lambda began: breaker._note(clock.now - began), crowd))
    assert not breaker.is_open


def test_a_hiccup_of_the_server_is_not_a_run(server: Server) -> None:
    """It delays all threads at once, and is over."""
    clock = Clock()
    breaker = Breaker("test", server.probe, clock=clock)
    for _ in range(30):
        breaker._note(0.3)
    assert not breaker.is_open


def test_it_closes_by_itself_once_the_server_answers(make: Callable[[], Breaker], server: Server) -> None:
    """Its own thread probes; no request does."""
    breaker = make()
    server.up = False
    with pytest.raises(StoreUnavailable):
        breaker.call(server.ask)
    wait_until(lambda: server.probes >= 1, what="a probe")
    assert breaker.is_open
    server.up = True
    wait_until(lambda: not breaker.is_open, what="it closes")
    assert breaker.call(server.ask) == "answer"


def test_a_slow_probe_keeps_it_open() -> None:
    """What answers slowly would only open it again."""
    clock = Clock()
    breaker = Breaker("test", lambda: setattr(clock, "now", clock.now + 1), clock=clock)
    assert breaker.try_to_close() is False


def test_drains_run_before_it_closes(make: Callable[[], Breaker], server: Server) -> None:
    """Nobody reads before what was missed has been made up for; a drain that fails keeps it open."""
    breaker = make()
    server.up = False
    with pytest.raises(StoreUnavailable):
        breaker.call(server.ask)
    seen: list[bool] = []
    fail = threading.Event()
    fail.set()

    def drain() -> None:
        seen.append(breaker.is_open)
        if fail.is_set():
            raise StoreUnavailable("not yet")

    breaker.drain_before_closing(drain)
    server.up = True
    assert breaker.try_to_close() is False
    assert breaker.is_open
    fail.clear()
    assert breaker.try_to_close() is True
    assert all(seen)
    breaker.reset()


def test_a_drain_with_a_bug_does_not_end_the_probing(make: Callable[[], Breaker], server: Server) -> None:
    """The only thread that can close it goes on."""
    breaker = make()
    broken = threading.Event()
    broken.set()

    def drain() -> None:
        if broken.is_set():
            raise ZeroDivisionError

    breaker.drain_before_closing(drain)
    assert breaker.try_to_close() is False
    broken.clear()
    assert breaker.try_to_close() is True


def test_it_knows_that_it_was_open(make: Callable[[], Breaker], server: Server) -> None:
    """How often and how lately; a forked child of a process that was without the store knows it, too."""
    breaker = make()
    assert (breaker.closings, breaker.closed_for) == (0, math.inf)
    for end in (breaker.try_to_close, breaker.start_anew):
        server.up = False
        with pytest.raises(StoreUnavailable):
            breaker.call(server.ask)
        server.up = True
        before = breaker.closings
        end()
        assert (breaker.is_open, breaker.closings, breaker.closed_for) == (False, before + 1, 0)
    breaker.reset()
    assert (breaker.closings, breaker.closed_for) == (0, math.inf)


def test_what_it_did_not_pass_on_is_told_apart(make: Callable[[], Breaker], server: Server) -> None:
    """The store knows of it, or cannot."""
    breaker = make()
    server.up = False
    with pytest.raises(StoreUnavailable) as asked:
        breaker.call(server.ask)
    assert not isinstance(asked.value, StoreNotAsked)
    with pytest.raises(StoreNotAsked):
        breaker.call(server.ask)
    breaker.reset()
