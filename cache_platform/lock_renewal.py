"""The thread that renews this process's locks, each at a third of its timeout."""

from __future__ import annotations

import logging
import os
import threading
import time

from cache_platform.lock_grips import Grip

logger = logging.getLogger(__name__)


class Renewals:
    """One thread for all locks of a process; without locks it waits."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Know of no lock; so a forked child begins."""
        self._changed = threading.Condition()
        self._due: dict[Grip, float] = {}
        self._thread: threading.Thread | None = None

    def add(self, grip: Grip) -> None:
        """Renew it until it is over or removed."""
        with self._changed:
            self._due[grip] = time.monotonic() + grip.interval
            self._changed.notify()
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="lock-renewal", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads: the next lock tries again
                logger.exception("locks are not renewed and end by their timeouts")
                self._thread = None

    def remove(self, grip: Grip) -> None:
        """Renew it no more."""
        with self._changed:
            self._due.pop(grip, None)

    def _run(self) -> None:
        while True:
            grip = self._next_due()
            try:
                self._renew(grip)
            except Exception:  # nothing would start this thread again
                logger.exception("the lock %s could not be renewed", grip.lock)

    def _next_due(self) -> Grip:
        """Wait for a lock that is due, and have it due again in its time."""
        with self._changed:
            while True:
                grip = min(self._due, key=self._due.__getitem__, default=None)
                now = time.monotonic()
                if grip is not None and self._due[grip] <= now:
                    self._due[grip] = now + grip.interval
                    return grip
                self._changed.wait(None if grip is None else self._due[grip] - now)

    def _renew(self, grip: Grip) -> None:
        if grip.holder() is None:  # forgotten, not let go
            self.remove(grip)
            grip.release()
        elif not grip.renew():
            # In a thread of its own, since the other locks must not wait for a database that hangs.
            threading.Thread(target=grip.renew_in_database, name="lock-database", daemon=True).start()
        if grip.term.over:
            self.remove(grip)
            grip.release()  # what it has left elsewhere


renewals = Renewals()
os.register_at_fork(after_in_child=renewals.reset)
