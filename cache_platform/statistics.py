"""Counters per policy: kept in the process, added to the store in batches, read per time window or in all.

A request that reads a policy counts once, as a hit or as a miss. A batch carries a number, so that sending it
again after a lost answer adds nothing; a process adds what it counted at least every two seconds and at a normal end.
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing.util
import os
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cache_platform.conf import conf
from cache_platform.exceptions import InvalidQuery, StoreUnavailable
from cache_platform.load_times import load_times, percentile
from cache_platform.stores import get_store
from cache_platform.stores.base import LOADS_KEPT, Loads, new_token

logger = logging.getLogger(__name__)

WINDOWS: dict[str, dict[str, int]] = {
    "5m": {"minutes": 5},
    "1h": {"minutes": 60},
    "6h": {"fives": 72},
    "24h": {"hours": 24},
    "7d": {"hours": 168},
}
COUNTERS = (
    "hits", "local_hits", "stale_hits", "misses", "collapsed", "loads", "load_errors", "left_alone", "loads_compared",
    "loads_unchanged", "superseded", "stored", "bytes_stored", "load_us", "tokens_saved", "micro_usd_saved",
)  # fmt: skip
"""Of a policy. `left_alone` are loads that were not made, because their source is left alone for a while: no calls, and
no errors of it. `loads_compared` are the values whose forerunner the process that loaded them still knew, and of them
`loads_unchanged` were the same again; `superseded` and `stored` are entries, `load_us` microseconds. The last two are
added by whoever knows what a load costs: a model's tokens, millionths of a US dollar."""
LIMIT_COUNTERS = ("admitted", "refused", "would_refuse", "unenforced", "given_back")
"""Of a preset's limit: requests let through, refused, let through only because it is in shadow, and decided while the
store was away; and slots given back."""
LOCK_COUNTERS = ("held", "waited", "lost", "refused")
"""Of a kind of lock: times that it was had, that somebody waited for it, lost it, and did not get it."""
PERCENTILES = (50, 95, 99)
LONGEST_UNSENT = 50
"""Batches kept while the store is away; more are merged into the newest."""


@dataclass(slots=True)
class _Batch:
    number: int
    counts: dict[str, int]
    loads: Loads = field(default_factory=dict)


class Counters:
    """The counters of one process, by `<policy>|<counter>`, and notes of its newest loads."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was counted: a forked child must not add its parent's counts again."""
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._counts: dict[str, int] = {}
        self._loads: dict[str, deque[bytes]] = {}
        self._unsent: list[_Batch] = []
        self._process = new_token()
        self._batch = 0
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def forget(self) -> None:
        """Drop what was counted and not sent; for tests."""
        with self._sending, self._lock:
            self._counts = {}
            self._loads = {}
            self._unsent = []

    def add(self, policy_name: str, amounts: Mapping[str, int]) -> None:
        """Add to a policy's counters."""
        with self._lock:
            for name, amount in amounts.items():
                named = f"{policy_name}|{name}"
                self._counts[named] = self._counts.get(named, 0) + amount
            started = self._thread is not None
        if not started:
            self._start()

    def note_load(self, policy_name: str, text: bytes) -> None:
        """Keep a note of a load, for the store; LOADS_KEPT of each policy, the newest. Whoever notes one counts it."""
        with self._lock:
            self._loads.setdefault(policy_name, deque(maxlen=LOADS_KEPT)).append(text)

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._send_for_ever, name="cache-statistics", daemon=True)
        # Children of multiprocessing, as granian's workers are, end without atexit but run these.
        multiprocessing.util.Finalize(None, self.send, exitpriority=1)
        try:
            self._thread.start()
        except RuntimeError:  # no more threads; the next read tries again
            self._thread = None

    def _send_for_ever(self) -> None:
        stop = self._stop
        while not stop.wait(conf.statistics_interval):
            try:
                self.send()
            except Exception:  # nothing would start this thread again
                logger.exception("the counters could not be sent; they are kept")

    def send(self) -> bool:
        """Add what was counted to the store; false when it is away, and the counts are kept."""
        with self._sending:
            with self._lock:
                self._queue()
            try:
                while self._unsent:
                    batch = self._unsent[0]
                    get_store().add_counters(self._process, batch.number, batch.counts, batch.loads)
                    self._unsent.pop(0)
            except StoreUnavailable:
                return False
            return True

    def unsent(self) -> dict[str, int]:
        """What this process counted and has not added to the store yet, by `<policy>|<counter>`."""
        with self._lock:
            waiting = [self._counts, *(batch.counts for batch in self._unsent)]
            sums: dict[str, int] = {}
            for counts in waiting:
                for name, amount in counts.items():
                    sums[name] = sums.get(name, 0) + amount
        return sums

    def _queue(self) -> None:
        """Make a batch of what there is. Notes wait until none is unsent, so that there are never more of them."""
        loads, self._loads = ({}, self._loads) if self._unsent else (self._loads, {})
        counts, self._counts = self._counts, {}
        if not counts and not loads:
            return
        if len(self._unsent) < LONGEST_UNSENT:
            self._batch += 1
            self._unsent.append(_Batch(self._batch, counts, loads))
            return
        # The newest batch was never sent (the oldest goes first), so it may still grow.
        newest = self._unsent[-1].counts
        for name, amount in counts.items():
            newest[name] = newest.get(name, 0) + amount


counters = Counters()
os.register_at_fork(after_in_child=counters.reset)
atexit.register(counters.send)


def check_window(window: str) -> None:
    """Raises InvalidQuery for what is not a key of WINDOWS."""
    if window not in WINDOWS:
        raise InvalidQuery("window", f"must be one of {', '.join(WINDOWS)}")


def read_window(window: str) -> dict[str, dict[str, int]]:
    """Every policy's counters over `window` (a key of WINDOWS), this process's newest counts included.

    Raises InvalidQuery for another window, StoreUnavailable when the store is away.
    """
    check_window(window)
    counters.send()
    return by_policy(get_store().read_counters(**WINDOWS[window]))


def read_totals() -> dict[str, dict[str, int]]:
    """Every policy's counters since counting began, this process's newest counts included.

    Raises StoreUnavailable when the store is away.
    """
    counters.send()
    return by_policy(get_store().read_totals())


def by_policy(fields: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """What a store counts under `<policy>|<counter>`, by policy; limits and locks have names of their own."""
    found: dict[str, dict[str, int]] = {}
    for named, amount in fields.items():
        policy_name, _, name = named.partition("|")
        found.setdefault(policy_name, {})[name] = amount
    return found


def percent(share: float) -> str:
    """A share from 0 to 1 as it is shown everywhere, as in `92.0%`; only the whole is `100.0%`."""
    return f"{100 * share if share >= 1 else min(100 * share, 99.9):.1f}%"


def share(part: int, total: int) -> str:
    """A share as the stats endpoint shows it; `0.0%` of nothing."""
    return percent(part / total if total else 0)


def hit_rate(hits: int, misses: int) -> str:
    """The share of hits; see `share`."""
    return share(hits, hits + misses)


def summary(counts: Mapping[str, int]) -> dict[str, Any]:
    """A policy's counters with every counter present, and what follows from them. Load times are in milliseconds, None
    without a load. `callsSaved` is by how many the reads are more than the calls of the source, failed calls and those
    that nobody waited for included, and `apiCallReduction` its share of the reads; `meanBytes` is of a stored entry,
    None without one."""
    shown: dict[str, Any] = {name: counts.get(name, 0) for name in COUNTERS if name != "load_us"}
    shown["providerCalls"] = shown["loads"] + shown["load_errors"]
    reads = shown["hits"] + shown["misses"]
    shown["callsSaved"] = max(0, reads - shown["providerCalls"])
    shown["hitRate"] = hit_rate(shown["hits"], shown["misses"])
    shown["apiCallReduction"] = share(shown["callsSaved"], reads)
    shown["meanLoadMs"] = round(counts.get("load_us", 0) / 1000 / shown["loads"], 1) if shown["loads"] else None
    shown["meanBytes"] = round(shown["bytes_stored"] / shown["stored"]) if shown["stored"] else None
    shown["loadTimes"] = load_times(counts)
    return shown | {f"p{percent}LoadMs": percentile(counts, percent) for percent in PERCENTILES}
