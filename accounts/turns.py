"""Turns at checking a password: it costs a processor tenths of a second, and must not cost everybody else the site.

A hundred people may sign in at once; they are served one after the other, and leave processors and threads to others.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2
"""Passwords that one process checks at a time."""
MOST = 60
"""Requests of one process that check a password or wait for their turn; of the web server's 64 threads."""


class Turns:
    """The turns of one process."""

    def __init__(self, *, at_once: int = AT_ONCE, most: int = MOST) -> None:
        self._at_once, self._most = at_once, most
        self.reset()

    def reset(self) -> None:
        """Nobody waits; so a forked child begins."""
        self._places = threading.BoundedSemaphore(self._most)
        self._turns = threading.BoundedSemaphore(self._at_once)

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Wait for a turn; false at once when too many wait already."""
        places, turns = self._places, self._turns
        if not places.acquire(blocking=False):
            yield False
            return
        try:
            with turns:
                yield True
        finally:
            places.release()


turns = Turns()
os.register_at_fork(after_in_child=turns.reset)
