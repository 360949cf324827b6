"""`manage.py cache_monitor`: what it counts between two looks, as JSON Lines, and how it ends."""

from __future__ import annotations

import json
import logging
import os
import pty
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command

from cache_platform.commands import sampling
from cache_platform.commands.log_lines import LogLines, log_lines_to
from cache_platform.commands.looking import Waiting
from cache_platform.commands.monitor import Monitor, json_line
from cache_platform.commands.sampling import Sampler
from cache_platform.stores import get_store
from cache_platform.testing import isolated_cache
from tests.integration.commands.running import Ran, run
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

Read = Callable[..., int]


@pytest.fixture(autouse=True)
def empty_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a database to ask."""
    monkeypatch.setattr(sampling.OutboxLook, "ask", lambda self: Waiting(0, None))


def monitor(*arguments: str, **options: Any) -> Ran:
    return run("cache_monitor", "--interval=0.2", *arguments, **options)


def lines(ran: Ran) -> list[Any]:
    return [json.loads(line) for line in ran.out.splitlines()]


@pytest.fixture
def between_looks(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What happens before each look, the first one included."""
    steps: list[Callable[[], object]] = []
    take = Sampler.take

    def stepping(self: Sampler) -> Any:
        if steps:
            steps.pop(0)()
        return take(self)

    monkeypatch.setattr(Sampler, "take", stepping)
    return steps


@pytest.mark.usefixtures("redis_cache")
def test_each_line_is_one_interval(thing: Any, other: Any, read: Read, between_looks: Any) -> None:
    """To the unit: what was read before the first look is in none, what was read between two in the later one's."""
    between_looks += [lambda: read(thing, 1, 2), lambda: read(thing, 1, 1, 3), lambda: read(other, 1)]
    found = monitor("--count=3")
    assert (found.code, found.err) == (0, "")
    first, second, third = lines(found)
    assert first["policies"].keys() == {"test.thing"}
    assert (
        first["policies"]["test.thing"].items() >= {"reads": 3, "hits": 2, "misses": 1, "loads": 1, "errors": 0}.items()
    )
    assert first["all"]["hitRate"] == round(2 / 3, 4)
    assert first["policies"]["test.thing"]["readsPerSecond"] == pytest.approx(3 / first["seconds"], rel=0.05)
    assert second["policies"].keys() == {"test.other"}
    assert (third["policies"], third["all"]["reads"], third["all"]["hitRate"]) == ({}, 0, None)
    assert third["servers"]["redis"].items() >= {"connected": True, "breaker": "closed"}.items()
    assert third["outbox"] == 0


def test_json_is_lines_on_a_terminal_too(thing: Any, read: Read, between_looks: Any) -> None:
    """No screen, no colours: what a pipe gets with and without it."""
    between_looks += [lambda: None, lambda: read(thing, 1)]
    with isolated_cache():
        shown = monitor("--count=2", "--json", terminal=True)
        piped = monitor("--count=1", "--json")
    assert (shown.code, "\x1b" in shown.out) == (0, False)
    assert [line["all"]["reads"] for line in lines(shown)] == [1, 0]
    assert lines(piped)[0].keys() == lines(shown)[0].keys()


def test_an_outage_is_shown_and_nothing_of_it_is_lost(
    thing: Any, read: Read, between_looks: Any, redis_cache: RedisUnderTest
) -> None:
    """Lines go on with nulls and the reason; the line after it holds what was counted meanwhile. Exit code 1."""

    def back() -> None:
        redis_cache.resume()
        wait_until(lambda: not get_store().breaker.is_open, what="the breaker is closed")  # type: ignore[attr-defined]
        read(thing, 1, 2, 3)

    between_looks += [lambda: None, redis_cache.pause, lambda: None, back]
    found = monitor("--count=3")
    assert found.code == 1
    away, still, after = lines(found)
    assert (away["policies"], away["all"], away["seconds"]) == (None, None, None)
    assert away["servers"]["redis"].items() >= {"connected": False, "breaker": "open"}.items()
    assert "breaker open" in still["servers"]["redis"]["error"]
    assert after["policies"]["test.thing"]["reads"] == 3
    assert after["seconds"] > 0.4


def test_without_redis_from_the_first_to_the_last(redis_cache: RedisUnderTest) -> None:
    """Exit code 2, and no traceback."""
    redis_cache.kill()
    found = monitor("--count=2")
    assert (found.code, found.err, len(lines(found))) == (2, "", 2)


def test_lost_counters_are_no_negative_rates(thing: Any, read: Read, between_looks: Any, redis_cache: Any) -> None:
    """A Redis that begins again at nothing: that interval is not known, the next one is."""
    between_looks += [lambda: read(thing, 1, 2), redis_cache.flush, lambda: read(thing, 5)]
    lost, after = lines(monitor("--count=2"))
    assert lost["policies"] is None
    assert after["policies"]["test.thing"]["reads"] == 1


def test_the_end_of_a_pipe_ends_it_quietly() -> None:
    """As in `cache_monitor | head -1`: exit code 0, and Python has nothing to say when it ends either."""
    reading, writing = os.pipe()
    os.close(reading)
    err = StringIO()
    with isolated_cache(), os.fdopen(writing, "w") as out:
        call_command("cache_monitor", "--interval=0.2", stdout=out, stderr=err)
        out.write("nobody reads this, and nothing is raised when it is closed")
    assert err.getvalue().splitlines()[1:] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_is_ended_by_hand_with_success(number: signal.Signals, between_looks: Any) -> None:
    """Whatever it saw; and SIGTERM does afterwards what it did before."""
    before = signal.getsignal(signal.SIGTERM)
    ctrl_c = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it

    def end() -> None:
        assert signal.getsignal(number) is signal.default_int_handler
        signal.raise_signal(number)

    between_looks += [lambda: None, end]
    try:
        with isolated_cache():
            assert monitor().code == 0
    finally:
        signal.signal(signal.SIGINT, ctrl_c)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("arguments", [["--interval=0"], ["--interval=x"], ["--count=0"], ["--count=-1"]], ids=str)
def test_bounds_are_told(arguments: list[str]) -> None:
    """By the parser."""
    with pytest.raises(CommandError, match="must be"):
        run("cache_monitor", *arguments)


class Desk:
    """A terminal with somebody in front of it: `screen` is what has been sent to it, `press` sends keys."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self._seen = bytearray()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while True:
            try:
                self._seen += os.read(self._ours, 65536)
            except OSError:  # the other end is closed
                return

    @property
    def screen(self) -> str:
        return self._seen.decode(errors="replace")

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def close(self) -> None:
        os.close(self.theirs)
        self._thread.join(20)
        os.close(self._ours)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Its terminal is stdin."""
    desk = Desk()
    with os.fdopen(os.dup(desk.theirs)) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield desk
    desk.close()


def at(desk: Desk, *arguments: str) -> int:
    """Run it there; its exit code."""
    with os.fdopen(os.dup(desk.theirs), "w", encoding="utf-8") as out:
        try:
            call_command("cache_monitor", "--interval=0.2", *arguments, stdout=out, stderr=out)
        except SystemExit as end:
            return int(str(end.code))
    return 0


def test_keys_do_what_the_foot_says(desk: Desk, thing: Any, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """`s` and `i` change the screen, which is one of its own and goes with `q`; then the terminal is as it was."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "40")
    before = termios.tcgetattr(desk.theirs)

    def type_keys() -> None:
        wait_until(lambda: "test.thing" in desk.screen, what="the first screen")
        desk.press("si")
        wait_until(lambda: "sort: loads" in desk.screen and "busy only" in desk.screen, what="the keys were taken")
        desk.press("q")

    with isolated_cache():
        read(thing, 1, 1)
        typist = threading.Thread(target=type_keys)
        typist.start()
        assert at(desk) == 0
        typist.join(20)
    assert desk.screen.index("\x1b[?1049h") < desk.screen.index("test.thing")
    wait_until(lambda: "\x1b[?1049l" in desk.screen, what="the screen is gone")
    assert "\x1b[?25h" in desk.screen
    assert termios.tcgetattr(desk.theirs) == before


def test_after_count_the_last_screen_stays(desk: Desk, thing: Any, read: Read) -> None:
    """On the terminal itself, without the line of keys."""
    with isolated_cache():
        read(thing, 1, 1)
        assert at(desk, "--count=1") == 0

    def left() -> str:
        return desk.screen.partition("\x1b[?1049l")[2]

    wait_until(lambda: "test.thing" in left(), what="the last screen")
    assert "quit" not in left()


def test_the_log_does_not_tear_the_screen() -> None:
    """Lines of handlers that write to the terminal are kept for the foot of the screen; afterwards they go there."""
    handler, logger, lines = logging.StreamHandler(sys.stderr), logging.getLogger("tests.torn"), LogLines()
    logger.addHandler(handler)
    try:
        with log_lines_to(lines):
            logger.error("it is\naway")
        assert handler.stream is sys.stderr
    finally:
        logger.removeHandler(handler)
    assert lines.newest(within=20) == "away"
    assert lines.newest(within=-1) is None


class TestRates:
    """What the screen's numbers are made of."""

    @pytest.fixture
    def seen(self) -> Iterator[Callable[..., Any]]:
        """`seen(at, hits)`: a sample at that time; hits None for a store that is away."""

        def make(at: float, hits: int | None) -> sampling.Sample:
            totals = None if hits is None else {"service.health": {"hits": hits, "misses": 2}}
            return sampling.Sample(at=at, clock=at, totals=totals, servers=[], outbox=0)

        with isolated_cache():
            yield make

    def test_a_rate_is_a_mean_of_some_seconds(self, seen: Any) -> None:
        """Processes add in steps: single intervals would jump."""
        watch = Monitor()
        for second, hits in enumerate([0, 0, 40, 40, 80, 80, 100]):
            watch.note(seen(100.0 + second, hits))
        assert watch.total().reads == pytest.approx(20)
        assert [bar.hits for bar in watch.bars if bar] == [0, 20, 20, 20, 20, 10]

    def test_the_first_sample_has_no_rate(self, seen: Any) -> None:
        """It says what was counted in all, and not since when."""
        watch = Monitor()
        assert watch.note(seen(100.0, 5000)) is None
        assert watch.total().reads is None

    def test_what_comes_after_an_outage_is_no_rate(self, seen: Any) -> None:
        """Processes then add all that they counted meanwhile."""
        watch = Monitor()
        for at, hits in ((100.0, 0), (101.0, 10), (102.0, None), (150.0, 10), (151.0, 510), (153.5, 520), (154.5, 530)):
            watch.note(seen(at, hits))
        assert [bar and bar.hits for bar in watch.bars] == [10, None, None, None, None, 10]
        assert watch.total().reads == pytest.approx(10)

    def test_it_says_for_how_long_nothing_is_known(self, seen: Any) -> None:
        """From the first sample that lacked the store; and no rate meanwhile."""
        watch = Monitor()
        watch.note(seen(100.0, 0))
        assert watch.away_for is None
        watch.note(seen(101.0, None))
        watch.note(seen(102.0, None))
        with mock.patch("time.monotonic", return_value=111.0):
            assert watch.away_for == 10
        assert watch.total().reads is None
        assert json_line(seen(102.0, None), None)["timestamp"] == "1970-01-01T00:01:42.000+00:00"
