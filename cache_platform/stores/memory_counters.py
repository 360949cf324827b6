"""Counters in this process's memory: by minute, by five, by hour, and in all; and the newest loads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from cache_platform.stores.base import LOADS_KEPT, LOADS_LAST, STEPS, Bucket, Loads

KEPT = {"hours": 8 * 24, "fives": 6 * 12, "minutes": 6 * 60}
"""Buckets before the current one."""


class MemoryCounters:
    """See Store. `clock` tells milliseconds; whoever calls has the store's lock."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, int], dict[str, int]] = {}
        self._batches: dict[str, int] = {}
        self._totals: dict[str, int] = {}
        self._loads: dict[str, tuple[int, deque[bytes]]] = {}

    def add(self, process: str, batch: int, counters: Mapping[str, int], loads: Loads) -> None:
        """See Store.add_counters."""
        if batch <= self._batches.get(process, 0):
            return
        self._batches[process] = batch
        seconds = self._clock() // 1000
        buckets = [self._buckets.setdefault((unit, seconds // step), {}) for unit, step in STEPS.items()]
        for sums in (*buckets, self._totals):
            for name, amount in counters.items():
                sums[name] = sums.get(name, 0) + amount
        for policy, texts in loads.items():
            _, kept = self._loads.get(policy, (0, deque[bytes](maxlen=LOADS_KEPT)))
            kept.extendleft(texts)
            self._loads[policy] = (seconds + LOADS_LAST, kept)

    def buckets(self, **counts: int) -> list[Bucket]:
        """See Store.read_buckets."""
        seconds, found = self._clock() // 1000, list[Bucket]()
        for unit, step in STEPS.items():
            newest, count = seconds // step, counts.get(unit, 0)
            for number in range(newest - count, newest + 1) if count else ():
                found.append((number * step, dict(self._buckets.get((unit, number), {}))))
        return found

    def totals(self) -> dict[str, int]:
        """See Store.read_totals."""
        return dict(self._totals)

    def loads(self, policy_name: str) -> list[bytes]:
        """See Store.read_loads."""
        expires, kept = self._loads.get(policy_name, (0, deque[bytes]()))
        return list(kept) if expires > self._clock() // 1000 else []

    def clean(self, now: int) -> None:
        """Drop what nobody may ask for any more."""
        self._loads = {policy: loads for policy, loads in self._loads.items() if loads[0] > now // 1000}
        oldest = {unit: now // 1000 // step - KEPT[unit] for unit, step in STEPS.items()}
        self._buckets = {bucket: sums for bucket, sums in self._buckets.items() if bucket[1] >= oldest[bucket[0]]}
