"""When to leave a source alone: after a run of failures it is asked by one probe at a time, whatever is wanted of it.

A back-off per entry keeps one thing from being asked for again and again. A source that hangs needs more: each new
thing asked of it would hold a thread until its timeout.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakSet

from cache_platform.exceptions import SourceBackoff, SourceError, SourceRateLimited, SourceRefused

FAILURES = 3
"""In a row, from which on the source counts as away. Of calls that were under way together the first one counts: one
short disturbance is one failure, however many it hits."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 15.0
"""Seconds between probes; doubled from the first to the longest, and as long as the source asks with Retry-After."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that was admitted; `before` are the failures that had been counted when it began."""

    probe: bool
    before: int


class Outage:
    """One source, for one process. `longest_asked` is how many seconds of its Retry-After are respected."""

    _all: WeakSet[Outage] = WeakSet()

    def __init__(
        self, name: str, *, longest_asked: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._longest_asked = longest_asked
        self._clock = clock
        self.reset()
        Outage._all.add(self)

    def reset(self) -> None:
        """Take the source for well again."""
        self._lock = threading.Lock()
        self._failures = 0
        self._counted = 0  # failures ever, which a success does not take back
        self._until = 0.0
        self._asked_until = 0.0
        self._probing = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around each call of the source. Raises SourceBackoff instead when it is to be left alone."""
        call = self._admit()
        try:
            yield
        except SourceRefused:
            self._well(call)  # it answered: the request was wrong
            raise
        except SourceError as error:
            self._failed(error, call)
            raise
        except BaseException:
            self._neither(call)
            raise
        self._well(call)

    def _admit(self) -> _Call:
        with self._lock:
            asked = self._asked_until - self._clock()
            if asked > 0:
                raise SourceBackoff(self._name, "asked to be left alone for a while", retry_after=asked)
            if self._failures < FAILURES:
                return _Call(probe=False, before=self._counted)
            left = self._until - self._clock()
            if left > 0 or self._probing:
                detail = f"failed {self._failures} times in a row and is left alone for a while"
                raise SourceBackoff(self._name, detail, retry_after=max(left, FIRST_PAUSE))
            self._probing = True
            return _Call(probe=True, before=self._counted)

    def _failed(self, error: SourceError, call: _Call) -> None:
        with self._lock:
            pause = min(error.retry_after or 0.0, self._longest_asked)
            self._probing = self._probing and not call.probe
            if isinstance(error, SourceRateLimited):
                # It is well, and said for how long it does not want to be asked: after that all may.
                self._asked_until = max(self._asked_until, self._clock() + max(pause, FIRST_PAUSE))
                return
            if call.before == self._counted:
                self._counted += 1
                self._failures += 1
                pause = max(pause, min(FIRST_PAUSE * 2 ** max(self._failures - FAILURES, 0), LONGEST_PAUSE))
            self._until = max(self._until, self._clock() + pause)

    def _well(self, call: _Call) -> None:
        with self._lock:
            self._failures = 0
            self._until = 0.0
            self._probing = self._probing and not call.probe

    def _neither(self, call: _Call) -> None:
        with self._lock:
            self._probing = self._probing and not call.probe


def _reset_all() -> None:
    for outage in list(Outage._all):
        outage.reset()


os.register_at_fork(after_in_child=_reset_all)
