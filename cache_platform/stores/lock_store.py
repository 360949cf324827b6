"""Where locks are kept: in Redis, or in this process's memory where there is none.

A lock has one owner, a random token, for as long as it is renewed. Those who wait for it stand in a queue and have to
be seen again and again; a waiter that is gone delays the others by QUEUE_PATIENCE at the most.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from cache_platform.conf import conf
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores.calls import Call
from cache_platform.stores.connection import direct, get_breaker, get_client, guarded
from cache_platform.stores.redis import run

QUEUE_PATIENCE = 1.0
"""Seconds after which a waiter that was not seen loses its place."""
DOUBT_LASTS = 5.0
"""Seconds after a process's breaker has closed for which it takes a lock in the database as well: others may still be
without Redis. Longer than breakers differ (breaker.LONGEST_PAUSE) and than locks in the database go unrenewed."""
MOST_LEFT = 1000
"""So many locks that could not be let go are remembered."""


class LockStore(Protocol):
    """Locks by name. Every method may raise StoreUnavailable, and none another error of the server's."""

    name: str

    def acquire(self, lock: str, owner: str, timeout: float, *, queue: bool = False) -> int:
        """0 when `owner` has it now, for `timeout` seconds; else its place among those who wait. Without `queue` it
        does not wait, and does not overtake those who do."""

    def renew(self, lock: str, owner: str, timeout: float) -> bool:
        """Whether `owner` still has it, and now for `timeout` seconds from here."""

    def release(self, lock: str, owner: str) -> bool:
        """Let it go, and leave the queue; whether `owner` had it."""


class FirstLocks(LockStore, Protocol):
    """The store that is asked first, beside which a database may have locks while this one is away."""

    away: bool
    """Whether the outage that is on has been told of."""

    @property
    def in_doubt(self) -> bool:
        """Whether it has come back so lately that other processes may still be without it."""

    @property
    def outages(self) -> int:
        """How many this process has seen the end of."""

    def renew(self, lock: str, owner: str, timeout: float, *, take: bool = False) -> bool:
        """As any store's. With `take` a lock that nobody has is taken, whoever waits for it."""

    def release_later(self, lock: str, owner: str) -> None:
        """Let it go, and leave the queue, once the store answers; `owner` never asks for it again. Never raises."""


class RedisLocks:
    """Locks in the Redis behind a cache alias. One round trip each. See FirstLocks."""

    name = "redis"

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._left: dict[tuple[str, str], None] = {}
        """Locks and owners that are still to be let go, the oldest first."""
        self.away = False

    @property
    def in_doubt(self) -> bool:
        """See FirstLocks. The breaker knows, whether there were locks in this process before or not."""
        return get_breaker(self._alias).closed_for < DOUBT_LASTS

    @property
    def outages(self) -> int:
        """See FirstLocks."""
        return get_breaker(self._alias).closings

    def acquire(self, lock: str, owner: str, timeout: float, *, queue: bool = False) -> int:
        """See LockStore."""
        arguments = [owner, _ms(timeout), int(queue), _ms(QUEUE_PATIENCE)]
        return self._run("lock_acquire", _names(lock), arguments)

    def renew(self, lock: str, owner: str, timeout: float, *, take: bool = False) -> bool:
        """See FirstLocks."""
        return self._run("lock_renew", _names(lock)[:1], [owner, _ms(timeout), int(take)]) == 1

    def release(self, lock: str, owner: str) -> bool:
        """See LockStore."""
        return self._run("lock_release", _names(lock), [owner]) == 1

    def release_later(self, lock: str, owner: str) -> None:
        """See FirstLocks. Before the breaker closes; beyond 1,000 locks the others end by their timeouts."""
        breaker = get_breaker(self._alias)
        if len(self._left) < MOST_LEFT:
            self._left[lock, owner] = None
        breaker.drain_before_closing(self._release_left)
        if not breaker.is_open:  # it closed in between, so nothing else would
            with suppress(StoreUnavailable):
                breaker.call(self._release_left)

    def _release_left(self) -> None:
        left = list(self._left)
        if left:
            calls: list[Call] = [(_names(lock), [owner]) for lock, owner in left]
            direct(lambda: get_client(self._alias), lambda client: run(client, "lock_release", calls))
        for each in left:
            self._left.pop(each, None)

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
    """Locks among the threads of one process. See FirstLocks."""

    name = "memory"
    in_doubt = away = False
    outages = 0

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._locks: dict[str, _Lock] = {}

    def acquire(self, lock: str, owner: str, timeout: float, *, queue: bool = False) -> int:
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
        """See FirstLocks."""
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

    def release_later(self, lock: str, owner: str) -> None:
        """See FirstLocks."""
        self.release(lock, owner)


_memory = MemoryLocks()
_redis: dict[str, RedisLocks] = {}


def get_lock_store() -> FirstLocks:
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
