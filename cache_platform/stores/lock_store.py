"""Where locks are kept: in Redis, or in this process's memory where there is none.

A lock has one owner, a random token, for as long as it is renewed. Those who wait for it stand in a queue and have to
be seen again and again; a waiter that is gone delays the others by QUEUE_PATIENCE at the most.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cache_platform.conf import conf
from cache_platform.stores.connection import get_breaker, guarded
from cache_platform.stores.redis import run

QUEUE_PATIENCE = 1.0
"""Seconds after which a waiter that was not seen loses its place."""
DOUBT_LASTS = 5.0
"""Seconds after a process's breaker has closed for which it takes a lock in the database as well: others may still be
without Redis. Longer than breakers differ (breaker.LONGEST_PAUSE) and than locks in the database go unrenewed."""


class LockStore(Protocol):
    """Locks by name. Every method may raise StoreUnavailable, and none another error of the server's."""

    name: str

    def acquire(self, lock: str, owner: str, timeout: float, *, queue: bool) -> int:
        """0 when `owner` has it now, for `timeout` seconds; else its place among those who wait. Without `queue` it
        does not wait, and does not overtake those who do."""

    def renew(self, lock: str, owner: str, timeout: float) -> bool:
        """Whether `owner` still has it, and now for `timeout` seconds from here."""

    def release(self, lock: str, owner: str) -> bool:
        """Let it go, and leave the queue; whether `owner` had it."""


class RedisLocks:
    """Locks in the Redis behind a cache alias. One round trip each."""

    name = "redis"

    def __init__(self, alias: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._alias = alias
        self._clock = clock
        self._doubt_until = 0.0
        self.away = False
        """Whether the outage that is on has been told of."""

    def acquire(self, lock: str, owner: str, timeout: float, *, queue: bool) -> int:
        """See LockStore."""
        get_breaker(self._alias).drain_before_closing(self._doubt)
        arguments = [owner, _ms(timeout), int(queue), _ms(QUEUE_PATIENCE)]
        return self._run("lock_acquire", _names(lock), arguments)

    def renew(self, lock: str, owner: str, timeout: float, *, take: bool = False) -> bool:
        """See LockStore. With `take` a lock that nobody has is taken, whoever waits for it."""
        return self._run("lock_renew", _names(lock)[:1], [owner, _ms(timeout), int(take)]) == 1

    def release(self, lock: str, owner: str) -> bool:
        """See LockStore."""
        return self._run("lock_release", _names(lock), [owner]) == 1

    @property
    def in_doubt(self) -> bool:
        """Whether Redis has come back so lately that other processes may not know."""
        return self._clock() < self._doubt_until

    def _doubt(self) -> None:
        self._doubt_until = self._clock() + DOUBT_LASTS

    def _run(self, script: str, names: list[str], arguments: list[object]) -> int:
        [answer] = guarded(self._alias, lambda client: run(client, script, [(names, arguments)]))
        return int(answer)


@dataclass(slots=True)
class _Lock:
    owner: str = ""
    until: float = 0.0
    waiting: dict[str, float] = field(default_factory=dict)
    """When each waiter was seen last, in their order."""


class MemoryLocks:
    """Locks among the threads of one process."""

    name = "memory"
    in_doubt = away = False

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._locks: dict[str, _Lock] = {}

    def acquire(self, lock: str, owner: str, timeout: float, *, queue: bool) -> int:
        """See LockStore."""
        with self._mutex:
            now = self._clock()
            kept = self._locks.setdefault(lock, _Lock())
            while kept.waiting and (first := next(iter(kept.waiting))) != owner:
                if kept.waiting[first] > now - QUEUE_PATIENCE:
                    break
                del kept.waiting[first]
            free = not kept.owner or kept.until <= now
            if kept.owner == owner or (free and (not kept.waiting or next(iter(kept.waiting)) == owner)):
                kept.owner, kept.until = owner, now + timeout
                kept.waiting.pop(owner, None)
                return 0
            if not queue:
                return len(kept.waiting) + 1
            kept.waiting[owner] = now
            return list(kept.waiting).index(owner) + 1

    def renew(self, lock: str, owner: str, timeout: float, *, take: bool = False) -> bool:
        """See LockStore. With `take` a lock that nobody has is taken, whoever waits for it."""
        with self._mutex:
            now = self._clock()
            kept = self._locks.get(lock, _Lock())
            free = not kept.owner or kept.until <= now
            if not take if free else kept.owner != owner:
                return False
            kept.owner, kept.until = owner, now + timeout
            self._locks[lock] = kept
            return True

    def release(self, lock: str, owner: str) -> bool:
        """See LockStore."""
        with self._mutex:
            kept = self._locks.get(lock)
            if kept is None:
                return False
            kept.waiting.pop(owner, None)
            had = kept.owner == owner and kept.until > self._clock()
            if kept.owner == owner:
                kept.owner = ""
            if not kept.owner and not kept.waiting:
                del self._locks[lock]
            return had


_memory = MemoryLocks()
_redis: dict[str, RedisLocks] = {}


def get_lock_store() -> RedisLocks | MemoryLocks:
    """Where the settings have locks: on the server for state."""
    if conf.store == "memory":
        return _memory
    return _redis.setdefault(conf.state_alias, RedisLocks(conf.state_alias))


def reset_locks() -> None:
    """Hold nothing and know of no outage; for forked children, whose parent's threads hold what there is, and for
    tests."""
    global _memory  # its mutex may have been copied in a locked state
    _memory = MemoryLocks()
    _redis.clear()


os.register_at_fork(after_in_child=reset_locks)


def _names(lock: str) -> list[str]:
    """The braces put all of one lock into one slot of a Redis Cluster."""
    base = f"{conf.prefix}:lock:{{{lock}}}"
    return [base, f"{base}:queue", f"{base}:seen"]


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
