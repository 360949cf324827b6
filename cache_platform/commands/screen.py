"""The monitor's screen: servers, sums, a chart, a line for each policy; as much of it as there is room for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from cache_platform.commands.looking import Server
from cache_platform.commands.monitor import Bar, Line, Monitor
from cache_platform.commands.policy_table import hit_style
from cache_platform.commands.sampling import TREND_MINUTES
from cache_platform.commands.servers_in_words import facts
from cache_platform.commands.sparkline import EIGHTHS, round_top, sparkline
from cache_platform.commands.tables import Cell, Column, Row, Table
from cache_platform.commands.words import amount, duration, load_time, rate, share

SORTS: dict[str, Callable[[Line], Any]] = {
    "reads": lambda line: (-(line.reads or 0), -sum(filter(None, line.trend)), line.name),
    "loads": lambda line: (-(line.loads or 0), line.name),
    "hit rate": lambda line: (line.hits / (line.hits + line.misses) if line.hits + line.misses else 2, line.name),
    "load time": lambda line: (-(line.p95 or 0), line.name),
    "errors": lambda line: (-(line.errors or 0), line.name),
    "name": lambda line: line.name,
}
"""What lines may be sorted by, in the order of the key `s`; the worst first where one looks for trouble."""
NOTE_LASTS = 20.0
"""Seconds that a line of the log stays."""
LEAST_TREND, WIDEST_TREND = 8, TREND_MINUTES + 1
SMALL, NARROW = 20, 40
"""Lines and letters below which there is no chart; with half as many lines, no empty ones."""
LOWEST, TALLEST = 4, 12
"""Lines of the chart."""


@dataclass(slots=True)
class Choices:
    """What whoever looks has chosen by keys."""

    sort: str = "reads"
    idle: bool = False
    first: int = 0
    help: bool = False

    def press(self, key: str, *, page: int) -> None:
        """Take a key; what is none of ours does nothing."""
        moves = {"up": -1, "down": 1, "k": -1, "j": 1, "page up": -page, "page down": page}
        if key == "s":
            names = list(SORTS)
            self.sort, self.first = names[(names.index(self.sort) + 1) % len(names)], 0
        elif key == "i":
            self.idle, self.first = not self.idle, 0
        elif key in moves:
            self.first = max(0, self.first + moves[key])


class Screen:
    """Rich draws it at the size that the terminal has at that moment."""

    def __init__(self, monitor: Monitor, choices: Choices, *, interval: float, log: Callable[[], str | None]) -> None:
        self._monitor = monitor
        self._choices = choices
        self._interval = interval
        self._log = log
        self.page = 1
        """How many policies the latest drawing had room for."""
        self.padded = True
        """Whether the keys stand at the bottom of the screen; else nothing stands below the policies."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """All lines; at most as many as the terminal has."""
        width, height = options.max_width, options.height or console.height
        roomy = height >= SMALL // 2
        above = [self._title(width), *self._servers(width), *[Text()] * roomy, self._sums(width)]
        below = [self._foot(width)] if self.padded else []
        note = self._log()
        if note is not None:
            below.insert(0, _cut(Text(note, "yellow"), width))
        lines = self._shown()
        spare = height - len(above) - len(below) - len(lines) - 2  # for the table's title, and what is not shown
        chart = self._chart(width, spare - 3) if height >= SMALL and width >= NARROW else [Text()] * roomy
        left = height - len(above) - len(below) - len(chart)
        yield Group(*above, *chart, *self._policies(lines, width, left), *below)

    # Above

    def _title(self, width: int) -> Text:
        newest = self._monitor.samples[-1] if self._monitor.samples else None
        at = time.strftime("%H:%M:%S UTC", time.gmtime(newest.clock if newest else time.time()))
        left = Text("cache_monitor", "bold").append(f"  every {self._interval:g} s", "not bold dim")
        away = self._monitor.away_for
        right = Text(at, "dim")
        if away is not None:
            right = Text(f"nothing known for {duration(away)}", "bold red")
        gap = max(1, width - left.cell_len - right.cell_len)
        return _cut(Text.assemble(left, " " * gap, right), width)

    def _servers(self, width: int) -> list[Text]:
        samples = self._monitor.samples
        return [_server(server, width) for server in samples[-1].servers] if samples else []

    def _sums(self, width: int) -> Text:
        monitor, total = self._monitor, self._monitor.total()
        reads = total.hits + total.misses
        waiting = monitor.samples[-1].outbox if monitor.samples else None
        refused = monitor.refused()
        parts = [
            ("reads/s", rate(total.reads), "bold"),
            ("hit rate", share(total.hits, reads), f"bold {hit_style(total.hits, reads)}"),
            ("loads/s", rate(total.loads), "bold"),
            ("errors/s", rate(total.errors), "bold red" if total.errors else "bold"),
            ("p95", load_time(total.p95), "bold"),
            ("refused/s", rate(refused), "bold yellow" if refused else "bold"),
            ("outbox", amount(waiting), "bold yellow" if waiting else "bold"),
        ]
        line = Text()
        for title, text, style in parts:
            part = Text.assemble((f"{title} ", "dim"), (text, style))
            if line.cell_len + part.cell_len + 3 > width and line:
                break
            line.append("   " if line else "").append(part)
        return line

    def _chart(self, width: int, room: int) -> list[Text]:
        """The newest bars at the right: hits, and on them misses; higher where there is room for it."""
        lines = min(max(room, LOWEST), TALLEST)
        wide = width - 7
        bars = list(self._monitor.bars)[-wide:]
        top = round_top(max((bar.hits + bar.misses for bar in bars if bar), default=0))
        legend = Text.assemble(
            ("reads/s  ", "dim"), ("█", "green"), (" hits  ", "dim"), ("█", "yellow"), (" misses", "dim")
        )
        found = [_cut(Text(" " * 7).append(legend), width)]
        for number in reversed(range(lines)):
            label = rate(top) if number == lines - 1 else "0" if number == 0 else ""
            line = Text.assemble((f"{label:>6} ", "dim"), " " * (wide - len(bars)))
            for bar in bars:
                line.append(*_piece(bar, number, lines, top))
            found.append(line)
        return [Text(), *found, Text()]

    # The policies

    def _shown(self) -> list[Line]:
        """What is chosen, sorted."""
        lines = (line for line in self._monitor.lines() if self._choices.idle or not line.idle)
        return sorted(lines, key=SORTS[self._choices.sort])

    def _policies(self, shown: Sequence[Line], width: int, height: int) -> list[RenderableType]:
        """The table with as many policies as there is room for, and a line about those that are not shown."""
        idle = len(self._monitor.lines()) - len(shown)
        self.page = max(1, height - 2)
        first = min(self._choices.first, max(0, len(shown) - self.page))
        self._choices.first = first
        page = shown[first : first + self.page]
        rest = [f"{first} above"] * bool(first) + [f"{len(shown) - first - len(page)} below"] * bool(
            len(shown) - first > len(page)
        )
        rest += [f"{idle} idle"] * bool(idle)
        if not page:
            return [_cut(Text(self._none(), "dim"), width), *self._blank(height - 1)]
        told = Text(", ".join(rest), "dim")
        return [_table(page, width).rich(), *self._blank(height - 2 - len(page)), told]

    def _none(self) -> str:
        """Why there is no policy."""
        away = self._monitor.away_for is not None
        if self._monitor.trends is None:
            return "what was read is not known" + (": the store is away" if away else " yet")
        return f"nothing was read in the {'hour before the store went away' if away else 'last hour'}"

    def _blank(self, number: int) -> list[RenderableType]:
        return [Text() for _ in range(max(0, number) if self.padded else 0)]

    def _foot(self, width: int) -> Text:
        keys = [
            ("q", "quit"),
            ("s", f"sort: {self._choices.sort}"),
            ("i", "idle too" if not self._choices.idle else "busy only"),
        ]
        keys.append(("↑↓", "scroll"))
        line = Text()
        for key, text in keys:
            line.append(f" {key} ", "reverse").append(f" {text}  ")
        return _cut(line, width)


def _cut(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    return text


def _server(server: Server, width: int) -> Text:
    line = Text("● ", "green" if server.up else "bold red").append(f"{server.name}  ", "bold default")
    if server.breaker is None:
        line.append("this process's own memory: nothing of the site's is here", "not bold yellow")
    elif not server.up:
        line.append(server.error, "not bold red")
    else:
        told = facts(server)
        while len(told) > 1 and line.cell_len + len("   ".join(told)) > width:
            told.pop()
        line.append("   ".join(told), "not bold default")
    return _cut(line, width)


def _piece(bar: Bar | None, line: int, lines: int, top: float) -> tuple[str, str]:
    """The letter and style of a bar on one of `lines` lines, counted from below."""
    if bar is None:
        return ("·", "red") if line == 0 else (" ", "")
    full = bar.hits + bar.misses
    height = 0 if not full else max(1, round(min(full / top, 1) * lines * 8))
    hits = round(height * bar.hits / full) if full else 0
    here, green = (min(max(eighths - 8 * line, 0), 8) for eighths in (height, hits))
    if here == 8 and 0 < green < 8:
        return EIGHTHS[green], "green on yellow"
    return EIGHTHS[here], "green" if green * 2 >= here else "yellow"


COLUMNS = (
    Column("policy", left=True),
    Column("reads/s"),
    Column("hit rate", priority=2),
    Column("loads/s", priority=1),
    Column("err/s", priority=4),
    Column("p95", priority=3),
)


def _table(lines: Sequence[Line], width: int) -> Table:
    table = Table(COLUMNS, [_row(line) for line in lines])
    room = width - sum(table.widths) - 2 * len(COLUMNS)
    if room < LEAST_TREND:
        return table.fitted(width)
    wide = min(room, WIDEST_TREND)
    title = f"{min(wide, TREND_MINUTES)} min"
    trends = [Cell(sparkline(line.trend[-wide:]).rjust(wide), "cyan") for line in lines]
    return Table(
        [*COLUMNS, Column(title, left=True)], [[*row, trend] for row, trend in zip(table.rows, trends, strict=True)]
    )


def _row(line: Line) -> Row:
    reads = line.hits + line.misses
    return [
        Cell(line.name, "dim" if line.idle else ""),
        Cell(rate(line.reads), "bold" if line.reads else "dim"),
        Cell(share(line.hits, reads), hit_style(line.hits, reads)),
        Cell(rate(line.loads), "" if line.loads else "dim"),
        Cell(rate(line.errors), "bold red" if line.errors else "dim"),
        Cell(load_time(line.p95), "" if line.p95 else "dim"),
    ]
