"""Small charts made of letters: a line of bars, and what bars of several lines need."""

from __future__ import annotations

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
EIGHTHS = " ▁▂▃▄▅▆▇█"
STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def sparkline(values: Sequence[float | None]) -> str:
    """A bar for each value, the largest one full; the lowest bar is for nothing at all, a gap for what is not known."""
    top = max((value for value in values if value is not None), default=0)
    return "".join(" " if value is None else _bar(value, top) for value in values)


def _bar(value: float, top: float) -> str:
    return BARS[math.ceil(value / top * (len(BARS) - 1))] if value > 0 else BARS[0]


def round_top(value: float) -> float:
    """The next of STEPS, times a power of ten, from `value` upwards: the top of a chart that does not change all the
    time."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in STEPS if value <= step * power * (1 + 1e-9))
