"""What happened over time: for the chart in the browser, for the drawing without JavaScript, and as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from cache_platform.load_times import load_times, percentile
from cache_platform.pages import wording
from cache_platform.pages.numbers import Counts
from cache_platform.pages.shapes import HEIGHT, WIDTH, Bar, stacked_bars, steps

PERCENTILES = (50, 95, 99)
FEWEST_SPANS = 9
"""Of a histogram, so that one bar alone is seen among its neighbours."""
HEADINGS = ("From", "Reads", "Hits", "Misses", "Hit rate", "Loads", "Errors", "p50", "p95", "p99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A bucket as a line of the table."""

    start: int
    at: str
    cells: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`data` is for the browser's script; the rest needs none. As high as the drawing are so many reads as `top` says,
    and a hit rate of 1, of which `line` is the path."""

    data: dict[str, Any]
    bars: list[Bar]
    top: str
    line: str
    begins: str
    ends: str
    step: str
    rows: list[Line]
    headings: tuple[str, ...] = HEADINGS
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def json(self) -> str:
        """The data as an attribute of the page holds it."""
        return json.dumps(self.data, separators=(",", ":"))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.bars


def chart_of(starts: Sequence[int], buckets: Sequence[Counts], step: int) -> Chart:
    """The chart of these buckets, `step` seconds each."""
    hits = [each.get("hits", 0) for each in buckets]
    misses = [each.get("misses", 0) for each in buckets]
    rates = [_share(hit, hit + miss) for hit, miss in zip(hits, misses, strict=True)]
    times = {f"p{percent}": [percentile(each, percent) for each in buckets] for percent in PERCENTILES}
    data = {
        "starts": list(starts),
        "step": step,
        "zone": timezone.get_current_timezone_name(),
        "hits": hits,
        "misses": misses,
        "rate": rates,
        "errors": [each.get("load_errors", 0) for each in buckets],
        **times,
    }
    stacks = [[("hit", hit), ("miss", miss)] for hit, miss in zip(hits, misses, strict=True)]
    stacks[-1:] = [[(f"{kind} cp-filling", amount) for kind, amount in stack] for stack in stacks[-1:]]
    bars, top = stacked_bars(stacks)
    days = step >= 3600 and len(starts) > 24
    return Chart(
        data=data,
        bars=bars,
        top=wording.many(top, "read"),
        line=steps(rates),
        begins=clock(starts[0], days=days) if starts else "",
        ends="now",
        step=wording.duration(step),
        rows=[_line(start, each, days=days) for start, each in zip(starts, buckets, strict=True)][::-1],
    )


def clock(start: float, *, days: bool = False, seconds: bool = False) -> str:
    """A time as the site's zone has it, as in `14:05`; with `days` the day too."""
    local = timezone.localtime(datetime.fromtimestamp(start, UTC))
    return local.strftime(("%a %d %b " if days else "") + ("%H:%M:%S" if seconds else "%H:%M"))


def _line(start: int, counts: Counts, *, days: bool) -> Line:
    hits, misses = counts.get("hits", 0), counts.get("misses", 0)
    amounts = (hits + misses, hits, misses, counts.get("loads", 0), counts.get("load_errors", 0))
    shown = [wording.number(amount) for amount in amounts]
    rate = wording.percent(_share(hits, hits + misses))
    times = [wording.load_time(percentile(counts, percent)) for percent in PERCENTILES]
    return Line(start=start, at=clock(start, days=days), cells=[*shown[:3], rate, *shown[3:], *times])


def _share(part: int, whole: int) -> float | None:
    """To four digits; what is not whole is 0.999 at the most, or it would be shown as whole."""
    if not whole:
        return None
    return 1.0 if part == whole else min(round(part / whole, 4), 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A bar of the histogram of load times: its bounds, how many loads, and its length of a hundred."""

    label: str
    amount: int
    share: str
    length: str


def histogram(counts: Counts) -> list[Span]:
    """How long loads took: from the first span with a load to the last one, FEWEST_SPANS at least."""
    times = load_times(counts)
    total, most = sum(times.values()), max(times.values())
    if not total:
        return []
    found, below = [], "0"
    for bound, amount in times.items():
        label = f"over {_bound(below)}" if bound == "inf" else f"to {_bound(bound)}"
        share = wording.percent(amount / total)
        found.append(Span(label=label, amount=amount, share=share, length=f"{100 * amount / most:.1f}"))
        below = bound
    filled = [i for i, span in enumerate(found) if span.amount]
    first, end = filled[0], filled[-1] + 1
    lacking = max(0, FEWEST_SPANS - (end - first))
    first = max(0, min(first - lacking // 2, len(found) - FEWEST_SPANS))
    return found[first : max(end, first + FEWEST_SPANS)]


def _bound(milliseconds: str) -> str:
    return wording.milliseconds(float(milliseconds))
