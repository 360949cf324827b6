"""Drawings that the server makes, which need no JavaScript: sparklines, the chart of reads, bars of load times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SPARK_WIDTH, SPARK_HEIGHT = 96, 24
WIDTH, HEIGHT = 720, 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """A sparkline: the points of its line, of the area under it, and the largest value."""

    line: str
    area: str
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle, as SVG writes numbers in every language."""

    x: str
    width: str
    y: str
    height: str
    kind: str


def sparkline(values: Sequence[int]) -> Spark | None:
    """The drawing; None of nothing."""
    most = max(values, default=0)
    if not most:
        return None
    step = SPARK_WIDTH / max(1, len(values) - 1)
    room = SPARK_HEIGHT - 3
    points = [f"{i * step:.1f},{SPARK_HEIGHT - 1 - room * each / most:.1f}" for i, each in enumerate(values)]
    corners = (f"0,{SPARK_HEIGHT}", *points, f"{(len(values) - 1) * step:.1f},{SPARK_HEIGHT}")
    return Spark(line=" ".join(points), area=" ".join(corners), most=most)


def stacked_bars(stacks: Sequence[Sequence[tuple[str, int]]]) -> tuple[list[Bar], int]:
    """A bar for each stack, the first part at the bottom; and the round number at the top of the drawing."""
    top = round_above(max((sum(amount for _, amount in stack) for stack in stacks), default=0))
    step, bars = WIDTH / max(1, len(stacks)), []
    gap = min(2.0, step * 0.2)
    for i, stack in enumerate(stacks):
        y = float(HEIGHT)
        for kind, amount in stack:
            if amount:
                height = HEIGHT * amount / top
                y -= height
                bars.append(_bar(i * step + gap / 2, step - gap, y, height, kind))
    return bars, top


def steps(shares: Sequence[float | None]) -> str:
    """The path of a line over the bars, level over each that has a share of 0 to 1; a gap where there is none. Unlike a
    line from point to point it shows a single one too."""
    step, path, pen_down = WIDTH / max(1, len(shares)), [], False
    for i, each in enumerate(shares):
        if each is not None:
            y = f"{HEIGHT * (1 - each):.2f}"
            path += [f"V{y}" if pen_down else f"M{i * step:.2f} {y}", f"H{(i + 1) * step:.2f}"]
        pen_down = each is not None
    return "".join(path)


def _bar(x: float, width: float, y: float, height: float, kind: str) -> Bar:
    return Bar(x=f"{x:.2f}", width=f"{width:.2f}", y=f"{y:.2f}", height=f"{height:.2f}", kind=kind)


def round_above(most: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, … that is not below `most`."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if size * factor >= most:
                return size * factor
        size *= 10
