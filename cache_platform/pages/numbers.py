"""What the pages show, read in a bounded number of round trips: one read of the window's buckets gives the sums, the
charts and the sparklines alike, so that they agree."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cache_platform import statistics
from cache_platform.exceptions import StoreUnavailable
from cache_platform.pages.buckets import read_buckets
from cache_platform.policies import registry
from cache_platform.stores.base import STEPS

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The counters of a window. `away` says why the store has none to tell, and is empty when it has; without them
    there is only what this process counted and could not add up yet, and nothing over time.

    `starts` are seconds since 1970; `buckets` has the counters of each of these by name, and `sums` those of the whole
    window.
    """

    window: str
    step: int
    starts: list[int] = field(default_factory=list)
    buckets: dict[str, list[Counts]] = field(default_factory=dict)
    sums: dict[str, Counts] = field(default_factory=dict)
    away: str = ""

    def of(self, name: str) -> Counts:
        """The counters of a policy, limit or kind of lock over the window."""
        return self.sums.get(name, {})

    def summary(self, name: str) -> dict[str, Any]:
        """The same as the stats endpoint shows them."""
        return statistics.summary(self.of(name))

    def over_time(self, names: Iterable[str]) -> list[Counts]:
        """The counters of all `names` together, bucket by bucket."""
        lists = [self.buckets[name] for name in names if name in self.buckets]
        return [added(each) for each in zip(*lists, strict=True)] if lists else [{} for _ in self.starts]

    @property
    def total(self) -> dict[str, Any]:
        """What all policies did together."""
        return statistics.summary(added(self.of(policy.name) for policy in registry))

    @property
    def seconds(self) -> int:
        """How long the window is by now: its last bucket is still being filled."""
        return max(1, int(time.time()) - self.starts[0]) if self.starts else 1


def read(window: str, *, anew: bool = True) -> Numbers:
    """The numbers of a window; `anew` as in read_buckets. Raises InvalidQuery for another one than statistics.WINDOWS
    has."""
    try:
        buckets = read_buckets(window, anew=anew)
    except StoreUnavailable as error:
        own = statistics.by_policy(statistics.counters.unsent())
        return Numbers(window=window, step=0, sums=dict(own), away=str(error))
    [unit] = statistics.WINDOWS[window]
    names = {name for _, counts in buckets for name in counts}
    over_time: dict[str, list[Counts]] = {name: [counts.get(name, {}) for _, counts in buckets] for name in names}
    return Numbers(
        window=window,
        step=STEPS[unit],
        starts=[start for start, _ in buckets],
        buckets=over_time,
        sums={name: added(each) for name, each in over_time.items()},
    )


def added(counts: Iterable[Counts]) -> dict[str, int]:
    """The sums, counter by counter."""
    total: dict[str, int] = {}
    for each in counts:
        for name, amount in each.items():
            total[name] = total.get(name, 0) + amount
    return total
