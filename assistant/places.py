"""How many chats one process has under way. Each holds a thread of the web server for as long as the model takes, so
that without a bound a slow model would stop the whole site."""

from __future__ import annotations

import threading

from cache_platform.exceptions import LoadShed

CHATS_AT_ONCE = 48
"""Of the 64 threads of a web process: what is left is for all other requests."""
RETRY_AFTER = 2


class Places:
    """`most` places of this process."""

    def __init__(self, most: int) -> None:
        self._slots = threading.BoundedSemaphore(most)

    def take(self) -> Place:
        """A place, held once. Raises LoadShed when there is none."""
        if not self._slots.acquire(blocking=False):
            raise LoadShed("too many chats are under way", retry_after=RETRY_AFTER)
        return Place(self._slots)


class Place:
    """A place that several hold: it is free again when the last one has let go."""

    def __init__(self, slots: threading.BoundedSemaphore) -> None:
        self._slots = slots
        self._lock = threading.Lock()
        self._holders = 1

    def hold(self) -> None:
        """Hold it once more."""
        with self._lock:
            self._holders += 1

    def let_go(self) -> None:
        """Let go, once for each time it was held."""
        with self._lock:
            self._holders -= 1
            last = self._holders == 0
        if last:
            self._slots.release()


places = Places(CHATS_AT_ONCE)
