"""When to leave a source alone: after a run of failures it is asked by one probe at a time, whatever is wanted of it.

A back-off per entry keeps one thing from being asked for again and again. A source that hangs needs more: each new
thing asked of it would hold a thread until its timeout.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from weakref import WeakSet

from cache_platform.exceptions import SourceBackoff, SourceError, SourceRateLimited, SourceRefused

FAILURES = 3
"""In a row, from which on the source counts as away."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 15.0
"""Seconds between probes; doubled from the first to the longest, and as long as the source asks with Retry-After."""


class Outage:
    """One source, for one process."""

    _all: WeakSet[Outage] = WeakSet()

    def __init__(self, name: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self.reset()
        Outage._all.add(self)

    def reset(self) -> None:
        """Take the source for well again."""
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._probing = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around each call of the source. Raises SourceBackoff instead when it is to be left alone."""
        probe = self._admit()
        try:
            yield
        except SourceRefused:
            self._well(probe=probe)  # it answered: the request was wrong
            raise
        except SourceError as error:
            self._failed(error, probe=probe)
            raise
        except BaseException:
            self._neither(probe=probe)
            raise
        self._well(probe=probe)

    def _admit(self) -> bool:
        """Whether this call is the probe."""
        with self._lock:
            if self._failures < FAILURES:
                return False
            left = self._until - self._clock()
            if left > 0 or self._probing:
                detail = f"failed {self._failures} times in a row and is left alone for a while"
                raise SourceBackoff(self._name, detail, retry_after=max(left, FIRST_PAUSE))
            self._probing = True
            return True

    def _failed(self, error: SourceError, *, probe: bool) -> None:
        with self._lock:
            self._failures = max(self._failures + 1, FAILURES if isinstance(error, SourceRateLimited) else 0)
            pause = min(FIRST_PAUSE * 2 ** max(self._failures - FAILURES, 0), LONGEST_PAUSE)
            self._until = max(self._until, self._clock() + max(pause, error.retry_after or 0))
            self._probing = self._probing and not probe

    def _well(self, *, probe: bool) -> None:
        with self._lock:
            self._failures = 0
            self._until = 0.0
            self._probing = self._probing and not probe

    def _neither(self, *, probe: bool) -> None:
        with self._lock:
            self._probing = self._probing and not probe


def _reset_all() -> None:
    for outage in list(Outage._all):
        outage.reset()


os.register_at_fork(after_in_child=_reset_all)
