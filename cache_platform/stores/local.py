"""Local copies: entries of public, relaxed policies that a process may serve for a moment without a round trip."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cache_platform.entries import Entry

MOST_COPIES = 1000
LARGEST_COPY = 32 * 1024
"""Bytes of a body; what is larger is worth a round trip."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy, with the age that its entry had when it was taken; times in milliseconds by a monotonic clock."""

    entry: Entry
    tag_keys: tuple[str, ...]
    taken: float
    until: float
    age_when_taken: float

    def age(self, now: float) -> float:
        """The age of the copy's entry in milliseconds."""
        return self.age_when_taken + now - self.taken


class LocalCopies:
    """Bounded; the oldest copy goes first."""

    def __init__(self, *, most: int = MOST_COPIES, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._most = most
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._lock = threading.Lock()
        self._copies: OrderedDict[str, Copy] = OrderedDict()

    def now(self) -> float:
        """Milliseconds by the copies' clock."""
        return self._clock() * 1000

    def get(self, key: str) -> Copy | None:
        """The copy under `key`, if it is young enough."""
        copy = self._copies.get(key)
        return copy if copy is not None and self.now() < copy.until else None

    def keep(self, key: str, entry: Entry, tag_keys: tuple[str, ...], *, age: float, life: float) -> None:
        """Take a copy of an entry that is `age` milliseconds old, for `life` milliseconds."""
        if len(entry.body) > LARGEST_COPY:
            return
        now = self.now()
        with self._lock:
            self._copies[key] = Copy(entry, tag_keys, now, now + life, age)
            self._copies.move_to_end(key)
            while len(self._copies) > self._most:
                self._copies.popitem(last=False)

    def drop(self, tag_keys: Iterable[str]) -> None:
        """Drop every copy under one of the tags."""
        gone = set(tag_keys)
        with self._lock:
            for key in [key for key, copy in self._copies.items() if not gone.isdisjoint(copy.tag_keys)]:
                del self._copies[key]

    def drop_keys(self, names: Iterable[str]) -> None:
        """Drop the copies under these keys."""
        with self._lock:
            for name in names:
                self._copies.pop(name, None)
