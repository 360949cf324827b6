"""The bars of the forecast: where each day's temperatures lie within the week's. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHORTEST = 6.0
"""Percent of the track that a bar has at least, so that a day without change can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A bar, as SVG attributes in percent of the track. `mark` is where the temperature is now."""

    x: str
    width: str
    mark: str | None = None


def ranges(
    lows_and_highs: Sequence[tuple[float | None, float | None]], *, mark: float | None = None
) -> list[Range | None]:
    """A bar for each day; None for a day that lacks a value. `mark` is put on the first day's bar, today's."""
    complete = [(low, high) for low, high in lows_and_highs if low is not None and high is not None]
    if not complete:
        return [None for _ in lows_and_highs]
    coldest, warmest = min(low for low, _ in complete), max(high for _, high in complete)
    span = max(warmest - coldest, 1.0)

    def place(value: float) -> float:
        return min(max((value - coldest) / span, 0.0), 1.0) * 100

    def bar(low: float | None, high: float | None, marked: float | None) -> Range | None:
        if low is None or high is None:
            return None
        width = max(place(high) - place(low), SHORTEST)
        start = min(place(low), 100 - width)
        return Range(x=_percent(start), width=_percent(width), mark=None if marked is None else _percent(place(marked)))

    return [bar(low, high, mark if row == 0 else None) for row, (low, high) in enumerate(lows_and_highs)]


def _percent(value: float) -> str:
    return f"{value:.1f}%"
