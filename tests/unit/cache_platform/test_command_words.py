"""What the operator commands write numbers, tables and small charts with."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cache_platform.commands import words
from cache_platform.commands.sparkline import BARS, round_top, sparkline
from cache_platform.commands.tables import Column, Table, cells


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "-"), (0, "0"), (0.004, "0.00"), (0.25, "0.25"), (0.999, "1.0"), (3.21, "3.2"), (9.96, "10"),
        (812.4, "812"), (999.6, "1.0k"), (12_345, "12.3k"), (123_456, "123k"), (999_600, "1.0M"), (2.5e9, "2.5G"),
    ],
)  # fmt: skip
def test_rates(number: float | None, text: str) -> None:
    """Short, and 0 for nothing at all only."""
    assert words.rate(number) == text


@given(st.floats(0, 9e10))
def test_rates_are_short(number: float) -> None:
    """A column of them keeps its width."""
    assert len(words.rate(number)) <= 5


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "-"), (0, 9, "0.0 %"), (1, 3, "33.3 %"), (9999, 10_000, "99.9 %"), (7, 7, "100.0 %")],
)
def test_shares(part: int, whole: int, text: str) -> None:
    """What is not whole does not look so."""
    assert words.share(part, whole) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "-"), (0.44, "0.4 ms"), (9.96, "10 ms"), (512.3, "512 ms"), (999.6, "1.0 s"), (2500, "2.5 s")],
)
def test_milliseconds(number: float | None, text: str) -> None:
    """Up to seconds."""
    assert words.milliseconds(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "-"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1023 * 1024, "1.0 MiB"), (5 * 2**40, "5.0 TiB")],
)
def test_sizes(number: float | None, text: str) -> None:
    """In binary units."""
    assert words.size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    """By the two largest units."""
    assert words.duration(seconds) == text


def test_a_sparkline_shows_nothing_as_nothing() -> None:
    """The lowest bar is for 0 alone, the highest for the largest, a gap for what is not known."""
    assert sparkline([0, 1, None, 1000]) == f"{BARS[0]}{BARS[1]} {BARS[-1]}"
    assert sparkline([0, 0]) == BARS[0] * 2
    assert sparkline([]) == ""


@given(st.floats(0.001, 1e12))
def test_the_top_of_a_chart_is_above_all_and_not_far(value: float) -> None:
    """And round."""
    assert value * (1 - 1e-6) <= round_top(value) <= max(1, value * 1.51)


@pytest.fixture
def table() -> Table:
    columns = [Column("name", left=True), Column("a", priority=1), Column("more", priority=2)]
    return Table(columns, [cells(["x", "1,234", "9"]), cells(["longer", "5", "-"])])


def test_plain_lines_are_aligned(table: Table) -> None:
    """Names to the left, numbers to the right, no blank at the end."""
    assert list(table.plain()) == [
        "name        a  more",
        "x       1,234     9",
        "longer      5     -",
    ]


@pytest.mark.parametrize(
    ("folds", "lines"),
    [(-1, ["name  a", "x     1,234", "lon…  5"]), (1, ["name    a", "x       1,2", "        34", "longer  5"])],
    ids=["name", "a"],
)
def test_where_even_so_there_is_no_room_one_column_gives_way(table: Table, folds: int, lines: list[str]) -> None:
    """The name, which is cut: half a number is another one. Or the one that folds, which is whole."""
    columns = [replace(each, left=True, folds=number == folds) for number, each in enumerate(table.columns[:2])]
    narrow = Table(columns, [row[:2] for row in table.rows])
    console = Console(width=11, file=StringIO(), _environ={})
    console.print(narrow.rich())
    assert [line.rstrip() for line in console.file.getvalue().splitlines()] == lines


@pytest.mark.parametrize(("width", "titles"), [(19, 3), (18, 2), (13, 2), (12, 1), (1, 1)])
def test_columns_go_by_their_priority(table: Table, width: int, titles: int) -> None:
    """The least important one first, and the name never."""
    fitted = table.fitted(width)
    assert [column.title for column in fitted.columns] == ["name", "a", "more"][:titles]
    assert all(len(row) == titles for row in fitted.rows)
