"""How long loads took: the histogram's counters, and percentiles of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SHOWN_BOUNDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 30_000, 60_000)
"""Upper bounds, in milliseconds, of a histogram of load times for people; what is slower counts as `inf`."""
BOUNDS = (
    1, 2, 3, 4, 5, 7, 10, 15, 20, 25, 35, 50, 75, 100, 125, 150, 200, 250, 300, 350, 400, 500, 600, 700, 850, 1000,
    1250, 1500, 2000, 2500, 3000, 4000, 5000, 7500, 10_000, 15_000, 20_000, 30_000, 60_000,
)  # fmt: skip
"""Those that are counted, as close as percentiles have to be; all of SHOWN_BOUNDS are among them."""


def load_time_counter(milliseconds: float) -> str:
    """The counter of the histogram's bucket that a load time falls into."""
    return f"load_ms_le_{_bound_of(milliseconds, BOUNDS)}"


def load_times(counts: Mapping[str, int], bounds: Sequence[int] = SHOWN_BOUNDS) -> dict[str, int]:
    """A policy's histogram: how many loads fell into each bucket, by its upper bound."""
    times = dict.fromkeys((*map(str, bounds), "inf"), 0)
    for bound in BOUNDS:
        times[_bound_of(bound, bounds)] += counts.get(f"load_ms_le_{bound}", 0)
    return times | {"inf": counts.get("load_ms_le_inf", 0)}


def _bound_of(milliseconds: float, bounds: Sequence[int]) -> str:
    return next((str(bound) for bound in bounds if milliseconds <= bound), "inf")


def percentile(counts: Mapping[str, int], percent: float) -> float | None:
    """About the milliseconds within which `percent` of a hundred loads ended, by their histogram; None without one.

    Linear inside a bucket, as Prometheus' histogram_quantile: what is known is only the bucket. Above the last bound it
    is that bound; see `in_words`.
    """
    times = load_times(counts, BOUNDS)
    wanted = sum(times.values()) * percent / 100
    if not wanted:
        return None
    below, passed = 0, 0
    for bound in BOUNDS:
        inside = times[str(bound)]
        if inside and passed + inside >= wanted:
            return round(below + (bound - below) * (wanted - passed) / inside, 1)
        below, passed = bound, passed + inside
    return float(BOUNDS[-1])


def in_words(milliseconds: float | None, words: str) -> str:
    """`words` for a percentile; `over 60 s` for one that may be anything above the last bound."""
    longest = BOUNDS[-1]
    return f"over {longest / 1000:.0f} s" if milliseconds is not None and milliseconds >= longest else words
