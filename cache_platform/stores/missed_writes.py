"""Keys that a server should have been told about while it was away.

A `set` or `delete` that Redis did not take would leave the older value to be served once Redis is back: a session
that was ended would live again. Their keys are removed before the server's breaker closes. Each process knows its
own; what a process missed is lost with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from cache_platform.breaker import Breaker
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores.sweeps import Sweep

MOST_KEYS = 10_000


class MissedWrites:
    """What one server missed. `remove` and `sweep` raise StoreUnavailable."""

    def __init__(self, remove: Callable[[Iterable[str]], object], sweep: Callable[[Sweep], object]) -> None:
        self._remove = remove
        self._sweep = sweep
        self._lock = threading.Lock()
        self._keys: dict[str, Sweep] = {}
        self._sweeps: set[Sweep] = set()

    def note(self, names: Iterable[str], *, all_of_them: Sweep) -> None:
        """Remember full keys; beyond 10,000 of them the whole caches that they belong to, `all_of_them`."""
        with self._lock:
            self._keys.update(dict.fromkeys(names, all_of_them))
            if len(self._keys) > MOST_KEYS:
                self._sweeps.update(self._keys.values())
                self._keys.clear()

    def note_all(self, sweep: Sweep) -> None:
        """Remember that all keys of `sweep` must go."""
        with self._lock:
            self._sweeps.add(sweep)

    def drain(self) -> None:
        """Remove what is remembered, until nothing is. Raises StoreUnavailable, and remembers the rest."""
        while True:
            with self._lock:
                keys, sweeps = self._keys, self._sweeps
                self._keys, self._sweeps = {}, set()
            if not keys and not sweeps:
                return
            try:
                self._remove(keys)
                for sweep in sweeps:
                    self._sweep(sweep)
            except StoreUnavailable:
                with self._lock:
                    self._keys = {**keys, **self._keys}
                    self._sweeps |= sweeps
                raise


_known: WeakKeyDictionary[Breaker, MissedWrites] = WeakKeyDictionary()
_known_lock = threading.Lock()


def missed_writes(
    breaker: Breaker, *, remove: Callable[[Iterable[str]], object], sweep: Callable[[Sweep], object]
) -> MissedWrites:
    """What the server behind `breaker` missed; made, and drained before the breaker closes, from the first call on."""
    with _known_lock:
        if breaker not in _known:
            _known[breaker] = MissedWrites(remove, sweep)
            breaker.drain_before_closing(_known[breaker].drain)
        return _known[breaker]
