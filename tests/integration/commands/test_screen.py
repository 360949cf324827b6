"""The monitor's screen: it fits every terminal, and what matters stands out."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from rich.console import Console

from cache_platform.commands.keyboard import KEY, NAMES
from cache_platform.commands.looking import Server
from cache_platform.commands.monitor import Monitor
from cache_platform.commands.sampling import Sample, Trends
from cache_platform.commands.screen import SORTS, Choices, Screen
from cache_platform.exceptions import StoreUnavailable

POLICIES = {"weather.current": 900, "news.headlines": 90, "accounts.user": 9}


def server(**fields: Any) -> Server:
    said = {"valkey_version": "9.1.2", "used_memory": 2**20, "maxmemory": 2**28, "connected_clients": 12}
    return Server(**{"name": "redis", "up": True, "milliseconds": 0.4, "breaker": "closed", "said": said, **fields})


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Monitor:
    """Three policies have been read for a while."""
    trends = Trends(
        {name: [None, *range(60)] for name in POLICIES},
        {name: {"hits": reads, "misses": reads // 9, "load_ms_le_500": 3} for name, reads in POLICIES.items()},
    )
    monkeypatch.setattr("cache_platform.commands.monitor.read_trends", lambda: trends)
    found = Monitor()
    for second in range(120):
        totals = {
            name: {"hits": reads * second, "misses": reads // 9 * second, "loads": second}
            for name, reads in POLICIES.items()
        }
        found.note(Sample(at=100.0 + second, clock=second, totals=totals, servers=[server()], outbox=0))
    return found


def drawn(watch: Monitor, choices: Choices, width: int, height: int, *, note: str | None = None) -> list[str]:
    """The lines of the screen at that size, without colours."""
    console = Console(width=width, height=height, file=StringIO(), legacy_windows=False, _environ={})
    screen = Screen(watch, choices, interval=2, log=lambda: note)
    options = console.options.update_dimensions(width, height)
    lines = console.render_lines(screen, options, pad=False)
    return ["".join(segment.text for segment in line) for line in lines]


@pytest.mark.parametrize("width", [34, 60, 80, 110, 240])
@pytest.mark.parametrize("height", [10, 15, 20, 24, 36, 70])
def test_it_fits(watch: Monitor, width: int, height: int) -> None:
    """No line is too long, none too many, and the most read policy and the way out are always there."""
    for choices in (Choices(), Choices(idle=True)):
        lines = drawn(watch, choices, width, height, note="a line of the log " * 20)
        assert all(len(line) <= width for line in lines)
        assert len(lines) == height
        assert sum(line.startswith("weather.current") for line in lines) == 1
        assert " q " in lines[-1]


def test_what_a_line_says(watch: Monitor) -> None:
    """Reads a second, hits, loads, load time and the last minutes."""
    lines = drawn(watch, Choices(), 110, 30)
    [row] = [line.split() for line in lines if line.startswith("weather.current")]
    assert row[:6] == ["weather.current", "1.0k", "90.0", "%", "1.0", "0"]
    assert row[8][-1] == "█"
    assert any(line.startswith("policy ") and "  hit rate  " in line for line in lines)
    assert "   hit rate 90.0 %   " in lines[3]
    assert "22 idle" in lines[-2]
    assert "12 clients" in lines[1]


def test_sorted_as_chosen(watch: Monitor) -> None:
    """`s` goes round."""
    choices = Choices()
    for sort in [*list(SORTS)[1:], "reads"]:
        choices.press("s", page=5)
        assert choices.sort == sort
    first = {}
    for sort in ("reads", "name"):
        rows = [
            line.split()[0] for line in drawn(watch, Choices(sort=sort), 110, 30) if line.startswith(tuple(POLICIES))
        ]
        first[sort] = rows
    assert first == {"reads": list(POLICIES), "name": sorted(POLICIES)}


def test_scrolling_ends_at_the_last_policy(watch: Monitor) -> None:
    """And at the first."""
    choices = Choices(idle=True)
    for _ in range(30):
        choices.press("page down", page=10)
    lines = drawn(watch, choices, 80, 15)
    assert "above" in lines[-2]
    assert "below" not in lines[-2]
    drawn(watch, choices, 80, 15)
    for _ in range(30):
        choices.press("up", page=10)
    assert choices.first == 0
    choices.press("x", page=10)
    assert (choices.first, choices.sort) == (0, "reads")


def test_away_is_told_above_all(watch: Monitor) -> None:
    """Since when, why, and no number that is not known; the trends stay."""
    away = server(up=False, error="redis[default]: breaker open: TimeoutError", breaker="open", said={})
    watch.note(Sample(at=300.0, clock=300, totals=None, servers=[away], outbox=None))
    lines = drawn(watch, Choices(), 110, 30)
    assert "nothing known for" in lines[0]
    assert "breaker open: TimeoutError" in lines[1]
    [row] = [line.split() for line in lines if line.startswith("weather.current")]
    assert (row[1], row[-1][-1]) == ("-", "█")
    assert "outbox -" in lines[3]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Monitor:
    """Nothing has been read for an hour."""
    monkeypatch.setattr("cache_platform.commands.monitor.read_trends", lambda: Trends({}, {}))
    found = Monitor()
    found.note(Sample(at=100.0, clock=100, totals={}, servers=[server()], outbox=0))
    return found


def test_a_quiet_site(quiet: Monitor) -> None:
    """Says so."""
    assert "nothing was read in the last hour" in drawn(quiet, Choices(), 80, 24)


def test_minutes_that_could_not_be_read_are_not_known(quiet: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store goes away between two questions: the next update asks again."""
    first = quiet.samples[-1]
    with monkeypatch.context() as away:
        away.setattr("cache_platform.commands.monitor.read_trends", mock.Mock(side_effect=StoreUnavailable("gone")))
        watch = Monitor()
        watch.note(first)
    assert "what was read is not known yet" in drawn(watch, Choices(), 80, 24)
    watch.note(replace(first, at=first.at + 2))
    assert "nothing was read in the last hour" in drawn(watch, Choices(), 80, 24)


def test_without_the_store_nobody_knows_what_was_read(quiet: Monitor) -> None:
    """From the start on nothing is said of it; after an outage has begun, of the time before alone."""
    away = Sample(at=101.0, clock=101, totals=None, servers=[server(up=False, error="gone")], outbox=0)
    blind = Monitor()
    for watch in (blind, quiet):
        watch.note(away)
    for watch, said in (
        (blind, "what was read is not known: the store is away"),
        (quiet, "nothing was read in the hour before the store went away"),
    ):
        lines = drawn(watch, Choices(), 80, 24)
        assert said in lines
        assert not any("last hour" in line for line in lines)
        assert any(line.startswith("weather.current ") for line in drawn(watch, Choices(idle=True), 80, 40))


@pytest.mark.parametrize(
    ("sent", "keys"),
    [("q", ["q"]), ("si", ["s", "i"]), ("\x1b[A\x1b[B", ["up", "down"]), ("\x1b[5~j\x1bOB", ["page up", "j", "down"])],
)
def test_keys_that_come_at_once_are_several(sent: str, keys: list[str]) -> None:
    """A terminal over a slow line sends them together."""
    assert [NAMES.get(key, key) for key in KEY.findall(sent)] == keys
