"""How many entries each policy has, counted beside whoever asks: counting walks all keys, and a page or a dashboard
that asks every few seconds must neither wait for that nor cause it each time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass

from cache_platform.conf import conf
from cache_platform.exceptions import StoreUnavailable
from cache_platform.keys import escape_glob
from cache_platform.policies import registry
from cache_platform.stores import get_store

logger = logging.getLogger(__name__)

PATIENCE = 0.25
"""Seconds that whoever asks waits for a count that has begun."""
SHORTEST_AGE = 5.0
"""Seconds that a count is good for at least."""
REST = 20
"""A count is good for this many times as long as it took: a process walks the keys for a twentieth of its time at the
most."""


def count_entries() -> dict[str, int]:
    """About how many entries each policy has in the store, superseded ones included until they expire: SCAN may tell a
    key twice while the server's table shrinks. Raises StoreUnavailable."""
    start = len(conf.prefix) + 1
    found = Counter(key[start:].partition(":")[0] for key in get_store().scan(f"{escape_glob(conf.prefix)}:*"))
    return {policy.name: found[policy.name] for policy in registry}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The entries by policy, superseded ones included until they expire; when that was, by time.monotonic(), and how
    many seconds it took."""

    entries: dict[str, int]
    at: float
    took: float

    @property
    def age(self) -> float:
        """Seconds since it was counted."""
        return time.monotonic() - self.at


class EntryCounter:
    """Counts in a thread of its own, one at a time; every process has one counter."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; after a fork the thread is not there."""
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self._due = 0.0
        self._counted: Counted | None = None

    def expire(self) -> None:
        """Have the next who asks count anew: this process has flushed something."""
        self._due = 0.0

    def latest(self, *, patience: float = PATIENCE) -> Counted | None:
        """The newest count; None while the first one is not done, and when the store did not answer it. Where there is
        none yet, it is waited for `patience` seconds."""
        with self._lock:
            begun = self._running is None and time.monotonic() >= self._due
            if begun:
                self._begin()
            running, earlier = self._running, self._counted
        if running is not None and (begun or earlier is None):
            running.join(patience if earlier is None else PATIENCE)
        return self._counted

    def _begin(self) -> None:
        thread = threading.Thread(target=self._count, name="cache-entry-counts", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads; the next one tries again
            return
        self._running = thread

    def _count(self) -> None:
        began, counted = time.monotonic(), None
        try:
            entries = count_entries()
            counted = Counted(entries=entries, at=time.monotonic(), took=time.monotonic() - began)
        except StoreUnavailable:
            pass
        except Exception:  # it is not known then; the thread's end must be noted
            logger.exception("the entries could not be counted")
        with self._lock:
            self._counted, self._running = counted, None
            self._due = time.monotonic() + max(SHORTEST_AGE, REST * (time.monotonic() - began))


entry_counter = EntryCounter()
os.register_at_fork(after_in_child=entry_counter.reset)
