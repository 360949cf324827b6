"""Counters over time: each bucket of a window, for charts."""

from __future__ import annotations

from dataclasses import dataclass

from cache_platform.statistics import WINDOWS, by_policy, check_window, counters
from cache_platform.stores import get_store

STEPS = {"minutes": 60, "hours": 3600}


@dataclass(frozen=True, slots=True)
class Series:
    """The buckets of a window, the oldest first; the last one is still being filled.

    `starts` are seconds since 1970. Each list in `policies` has the counters of each bucket, empty where the policy
    counted nothing; policies that counted nothing in the whole window are not there.
    """

    step_seconds: int
    starts: list[int]
    policies: dict[str, list[dict[str, int]]]


def read_series(window: str) -> Series:
    """What `statistics.read_window` sums up, bucket by bucket: by minutes up to six hours, by hours above.

    Raises InvalidQuery for another window, StoreUnavailable when the store is away.
    """
    check_window(window)
    counters.send()
    [(unit, _)] = WINDOWS[window].items()
    buckets = get_store().read_buckets(**WINDOWS[window])
    counted = [by_policy(amounts) for _, amounts in buckets]
    names = sorted({name for each in counted for name in each})
    return Series(
        step_seconds=STEPS[unit],
        starts=[start for start, _ in buckets],
        policies={name: [each.get(name, {}) for each in counted] for name in names},
    )
