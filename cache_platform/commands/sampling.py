"""What a monitor sees: counters since counting began, again and again, and what was counted in between."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cache_platform import statistics
from cache_platform.commands.looking import OutboxLook, Server, look_at_servers
from cache_platform.exceptions import StoreUnavailable
from cache_platform.policies import registry
from cache_platform.stores import get_store

Totals = Mapping[str, Mapping[str, int]]
TREND_MINUTES = 60
"""How far back the sparklines go."""
LATELY = 5
"""Minutes of what is too rare for a rate: hits and load times."""
LEAST_OF_A_MINUTE = 10
"""Seconds of the newest minute below which it says nothing yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was there at `at` (time.monotonic()) and `clock` (seconds since 1970). `totals` is None while the store is
    away, `outbox` (rows) while the database is."""

    at: float
    clock: float
    totals: Totals | None
    servers: Sequence[Server]
    outbox: int | None


class Sampler:
    """Takes samples, each at the cost of three round trips and a query."""

    def __init__(self) -> None:
        self._outbox = OutboxLook()

    def take(self) -> Sample:
        """What is there now. Servers that are away cost at most their timeouts, and while a breaker is open nothing."""
        servers = look_at_servers(writes=False)
        try:
            totals = statistics.read_totals()
        except StoreUnavailable:
            totals = None
        at, clock = time.monotonic(), time.time()
        waiting = self._outbox.ask()
        return Sample(
            at=at,
            clock=clock,
            totals=totals,
            servers=servers,
            outbox=None if waiting is None else waiting.rows,
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """What was counted in `seconds`, by policy, limit or lock, without what counted nothing."""

    seconds: float
    counts: Totals

    def policies(self) -> dict[str, Mapping[str, int]]:
        """Those of policies."""
        return {name: amounts for name, amounts in self.counts.items() if name in registry}


def between(before: Sample, after: Sample) -> Interval | None:
    """What was counted between two samples; None where one is not known, or a server lost what it had counted: what
    it has then is no older, and no smaller, than nothing."""
    if before.totals is None or after.totals is None:
        return None
    found: dict[str, dict[str, int]] = {}
    for name in before.totals.keys() | after.totals.keys():
        earlier, later = before.totals.get(name, {}), after.totals.get(name, {})
        more = {counter: later.get(counter, 0) - earlier.get(counter, 0) for counter in earlier.keys() | later.keys()}
        if any(amount < 0 for amount in more.values()):
            return None
        if any(more.values()):
            found[name] = {counter: amount for counter, amount in more.items() if amount}
    return Interval(after.at - before.at, found)


def summed(counts: Totals) -> dict[str, int]:
    """The sums over all names."""
    sums: dict[str, int] = {}
    for amounts in counts.values():
        for counter, amount in amounts.items():
            sums[counter] = sums.get(counter, 0) + amount
    return sums


@dataclass(frozen=True, slots=True)
class Trends:
    """The last hour: reads a second in each minute, by policy, the oldest first (None where the newest minute is
    too young), and the counters of the last minutes."""

    reads: Mapping[str, Sequence[float | None]]
    lately: Totals


def read_trends() -> Trends:
    """One round trip. Raises StoreUnavailable."""
    buckets = get_store().read_buckets(minutes=TREND_MINUTES)
    counted = [statistics.by_policy(amounts) for _, amounts in buckets]
    names = {name for each in counted for name in each if name in registry}
    young = time.time() - buckets[-1][0]
    lengths = [60.0] * (len(buckets) - 1) + [min(young, 60.0)]
    reads = {
        name: [
            None if length < LEAST_OF_A_MINUTE else _reads(each.get(name, {})) / length
            for each, length in zip(counted, lengths, strict=True)
        ]
        for name in names
    }
    lately: dict[str, dict[str, int]] = {}
    for each in counted[-LATELY - 1 :]:
        for name, amounts in each.items():
            sums = lately.setdefault(name, {})
            for counter, amount in amounts.items():
                sums[counter] = sums.get(counter, 0) + amount
    return Trends(reads, lately)


def _reads(amounts: Mapping[str, int]) -> int:
    return amounts.get("hits", 0) + amounts.get("misses", 0)
