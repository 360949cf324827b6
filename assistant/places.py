"""How many chats one process has under way. Each holds a thread of the web server for as long as the model takes, so
that without a bound a slow model would stop the whole site."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from cache_platform.exceptions import LoadShed

CHATS_AT_ONCE = 48
"""Of the 64 threads of a web process: what is left is for all other requests."""
CHATS_OF_ONE = 4
"""So that nobody alone keeps all others from asking."""
RETRY_AFTER = 2


class Places:
    """`most` places of this process, of which one user may hold `of_one`."""

    def __init__(self, most: int, *, of_one: int | None = None) -> None:
        self._most = most
        self._of_one = most if of_one is None else of_one
        self._lock = threading.Lock()
        self._held: Counter[int] = Counter()

    def take(self, user_id: int) -> Place:
        """A place, held once. Raises LoadShed when there is none, or none for this user."""
        with self._lock:
            if self._held[user_id] >= self._of_one:
                raise LoadShed(f"you have {self._of_one} chats under way", retry_after=RETRY_AFTER)
            if self._held.total() >= self._most:
                raise LoadShed("too many chats are under way", retry_after=RETRY_AFTER)
            self._held[user_id] += 1
        return Place(lambda: self._free(user_id))

    def _free(self, user_id: int) -> None:
        with self._lock:
            self._held[user_id] -= 1
            self._held += Counter()  # keeps those who hold any


class Place:
    """A place that several hold: it is free again when the last one has let go."""

    def __init__(self, free: Callable[[], None]) -> None:
        self._free = free
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
            self._free()


places = Places(CHATS_AT_ONCE, of_one=CHATS_OF_ONE)
