"""For how long a lock is held for sure, by the clock of the process that holds it."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable


class Term:
    """One holder's time with a lock. `on_lost` is called once, by the thread that finds out."""

    def __init__(
        self, timeout: float, *, on_lost: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._timeout = timeout
        self._on_lost = on_lost
        self._clock = clock
        self._mutex = threading.Lock()
        self._pid = os.getpid()
        self._confirmed, self._until = 0.0, math.inf
        self._lost = self._ended = False

    @property
    def foreign(self) -> bool:
        """Whether this is a forked child's copy of its parent's."""
        return self._pid != os.getpid()

    @property
    def lost(self) -> bool:
        """Whether the lock was refused to its holder, or not confirmed within its timeout. Asks nobody; once lost it
        stays so. A forked child never had it."""
        if self.foreign:
            return True
        if not self._lost and not self._ended and self._clock() >= self._until:
            self.lose()
        return self._lost

    @property
    def over(self) -> bool:
        """Whether it is lost, or has ended in order."""
        return self.lost or self._ended

    def now(self) -> float:
        """The moment before a request is sent; the lock is held from here if it is granted."""
        return self._clock()

    def begin(self, sent: float) -> None:
        """The lock was granted to a request that was sent then."""
        self._confirmed, self._until = sent, sent + self._timeout

    def confirm(self, sent: float) -> None:
        """It was granted again. An answer that comes after the timeout is of no use: others may have had it."""
        with self._mutex:
            if self._clock() < self._until:
                self.begin(max(sent, self._confirmed))
                return
        self.lose()

    def confirmed_since(self, moment: float) -> bool:
        """Whether it is held, and was granted to a request sent at `moment` or later."""
        return not self.over and self._confirmed >= moment

    def lose(self) -> None:
        """It was refused."""
        with self._mutex:
            first = not self._lost and not self._ended
            self._lost = self._lost or first
        if first:
            self._on_lost()

    def end(self) -> bool:
        """End it in order; False when it was over already."""
        if self.lost:
            return False
        with self._mutex:
            first = not self._lost and not self._ended
            self._ended = self._ended or first
            return first
