"""How long loads took: the histogram's counters, and percentiles of it."""

from __future__ import annotations

from collections.abc import Mapping

LOAD_TIME_BOUNDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 30_000, 60_000)
"""Upper bounds of the histogram of load times, in milliseconds; what is slower counts as `inf`."""


def load_time_counter(milliseconds: float) -> str:
    """The counter of the histogram's bucket that a load time falls into."""
    bound = next((str(bound) for bound in LOAD_TIME_BOUNDS if milliseconds <= bound), "inf")
    return f"load_ms_le_{bound}"


def load_times(counts: Mapping[str, int]) -> dict[str, int]:
    """A policy's histogram: how many loads fell into each bucket, by its upper bound."""
    return {str(bound): counts.get(f"load_ms_le_{bound}", 0) for bound in (*LOAD_TIME_BOUNDS, "inf")}


def percentile(counts: Mapping[str, int], percent: float) -> float | None:
    """About the milliseconds within which `percent` of a hundred loads ended, by their histogram; None without one.

    Linear inside a bucket, as Prometheus' histogram_quantile: what is known is only the bucket. Above the last bound it
    is that bound; see `in_words`.
    """
    times = load_times(counts)
    wanted = sum(times.values()) * percent / 100
    if not wanted:
        return None
    below, passed = 0, 0
    for bound in LOAD_TIME_BOUNDS:
        inside = times[str(bound)]
        if inside and passed + inside >= wanted:
            return round(below + (bound - below) * (wanted - passed) / inside, 1)
        below, passed = bound, passed + inside
    return float(LOAD_TIME_BOUNDS[-1])


def in_words(milliseconds: float | None, words: str) -> str:
    """`words` for a percentile; `over 60 s` for one that may be anything above the last bound."""
    longest = LOAD_TIME_BOUNDS[-1]
    return f"over {longest / 1000:.0f} s" if milliseconds is not None and milliseconds >= longest else words
