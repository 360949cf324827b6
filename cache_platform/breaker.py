"""The breaker: when to stop asking a store, and when to ask it again.

It opens on the first failure (a timeout must be paid once, not by every request) and on a run of slow answers.
While it is open, no request asks the store: a thread of its own probes it, and once the store answers quickly
again, runs the drains (work that must be done before anybody reads) and closes the breaker.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import TypeVar

from cache_platform.conf import conf
from cache_platform.exceptions import StoreNotAsked, StoreUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")

FIRST_PROBE_AFTER = 0.25
LONGEST_PAUSE = 1.0
SHORTEST_SLOW_SPAN = 0.5
"""Seconds that a run of slow answers has to last."""
GIL_WAITS = 6
"""How often a command gives up the interpreter lock and waits for it, roughly: sending, polling, reading."""


class Breaker:
    """Guards one server for one process. `probe` asks the server once and raises StoreUnavailable."""

    _all: weakref.WeakSet[Breaker] = weakref.WeakSet()

    def __init__(
        self,
        name: str,
        probe: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        step_aside: Callable[[], None] = lambda: time.sleep(0),
    ) -> None:
        self.name = name
        self._probe = probe
        self._clock = clock
        self._step_aside = step_aside
        self._drains: list[Callable[[], None]] = []
        self._opened_at: float | None = None
        self._closings, self._closed_at = 0, -math.inf
        self.start_anew()
        Breaker._all.add(self)

    def reset(self) -> None:
        """Close it, stop probing and forget what it saw."""
        self._wake.set()
        self.start_anew()
        self._closings, self._closed_at = 0, -math.inf

    def start_anew(self) -> None:
        """Closed, having seen nothing since; so a forked child begins, since threads do not survive a fork."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        if self._opened_at is not None:
            self._note_closing()
        self._opened_at = None
        self._slow_answers = 0
        self._slow_since = 0.0
        self._delay, self._delay_at = 0.0, 0.0
        self._reason = ""

    @property
    def is_open(self) -> bool:
        """True while the store is not to be asked."""
        return self._opened_at is not None

    @property
    def reason(self) -> str:
        """Why it is open; empty while it is closed."""
        return self._reason

    @property
    def closings(self) -> int:
        """How often it has closed: what is known from an earlier time may have been overtaken meanwhile."""
        return self._closings

    @property
    def closed_for(self) -> float:
        """Seconds since it closed last; infinite for one that was never open."""
        return self._clock() - self._closed_at

    def drain_before_closing(self, drain: Callable[[], None]) -> None:
        """Have `drain` run after the store answered again and before the breaker closes; it may raise
        StoreUnavailable, which keeps the breaker open. Asking twice for the same one is asking once."""
        if drain not in self._drains:
            self._drains.append(drain)

    def call(self, operation: Callable[[], T], *, timed: bool = True) -> T:
        """What `operation` returns. Raises StoreNotAsked at once while open, and StoreUnavailable when it does. How
        long it takes says nothing of the server where it is not `timed`."""
        if self._opened_at is not None:
            raise StoreNotAsked(f"{self.name}: breaker open: {self._reason}")
        started = self._clock()
        try:
            result = operation()
        except StoreUnavailable as error:
            self._open(str(error))
            raise
        if timed:
            self._note(self._clock() - started)
        return result

    def _note(self, seconds: float) -> None:
        if seconds < conf.slow_after or seconds < conf.slow_after + GIL_WAITS * self._own_delay():
            self._slow_answers = 0
            return
        now = self._clock()
        with self._lock:
            if self._slow_answers == 0:
                self._slow_since = now - seconds
            self._slow_answers += 1
            slow, span = self._slow_answers, now - self._slow_since
        # One hiccup delays all threads at once, so their number alone says little: it has to last as well.
        if slow >= conf.slow_run and span >= SHORTEST_SLOW_SPAN:
            self._open(f"{slow} answers in a row took over {conf.slow_after * 1000:.0f} ms")

    def _own_delay(self) -> float:
        """Seconds for which this process lately kept a thread waiting that gave up the interpreter lock for a moment.

        A busy process sees every answer late; that is not the server's doing, and asking it less would not help. The
        longest of the last two seconds counts, since those who come out of a crowd last find it gone.
        """
        started = self._clock()
        self._step_aside()
        now = self._clock()
        if now - started >= self._delay or now - self._delay_at > 2:
            self._delay, self._delay_at = now - started, now
        return self._delay

    def _open(self, reason: str) -> None:
        with self._lock:
            if self._opened_at is not None:
                return
            self._opened_at = self._clock()
            self._reason = reason
            self._slow_answers = 0
        logger.warning("breaker of %s opens: %s", self.name, reason)
        try:
            threading.Thread(target=self._probe_until_closed, name=f"breaker-{self.name}", daemon=True).start()
        except RuntimeError:  # no more threads: with nobody to close it, it may not stay open
            logger.exception("breaker of %s cannot probe", self.name)
            self.start_anew()

    def _probe_until_closed(self) -> None:
        pause, wake = FIRST_PROBE_AFTER, self._wake
        while not wake.wait(pause):
            if self.try_to_close():
                return
            pause = min(pause * 2, LONGEST_PAUSE)

    def try_to_close(self) -> bool:
        """Probe once; True when the breaker is closed afterwards. A slow answer keeps it open."""
        started = self._clock()
        try:
            self._probe()
            if self._clock() - started >= conf.slow_after:
                return False
            for drain in self._drains:
                drain()
        except StoreUnavailable as error:
            self._reason = str(error)
            return False
        except Exception:  # a faulty drain must not end the only thread that can close the breaker
            logger.exception("breaker of %s stays open: its drain failed", self.name)
            return False
        with self._lock:
            self._note_closing()  # first: whoever finds it closed knows that it was not
            opened_at, self._opened_at, self._reason = self._opened_at, None, ""
        if opened_at is not None:
            logger.warning("breaker of %s closes after %.1f s", self.name, self._clock() - opened_at)
        return True

    def _note_closing(self) -> None:
        self._closings, self._closed_at = self._closings + 1, self._clock()


def _reset_all_after_fork() -> None:
    for breaker in list(Breaker._all):
        breaker.start_anew()


os.register_at_fork(after_in_child=_reset_all_after_fork)
