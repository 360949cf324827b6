"""When it is time: for the next load, over all threads; for the next update."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Turns at `rate` a second, one by one and evenly: a provider sees no burst. `stop` ends all waiting."""

    def __init__(self, rate: float, stop: threading.Event, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap = 1 / rate
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock()

    def wait(self) -> bool:
        """Wait for a turn; False when it was told to stop."""
        with self._lock:
            now = self._clock()
            turn = max(self._next, now)
            self._next = turn + self._gap
        return not self._stop.wait(turn - now)


class Clock:
    """When updates are due: by the clock, so that they do not drift. Those that were missed are left out."""

    def __init__(self, interval: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._clock = clock
        self._due = clock()

    def step(self) -> None:
        """The next one is due an interval after the one before, or now."""
        self._due = max(self._due + self._interval, self._clock())

    @property
    def left(self) -> float:
        """Seconds until the next one is due."""
        return max(0.0, self._due - self._clock())
