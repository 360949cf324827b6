"""The distributed lock: one holder among all processes, for as long as it lives, and a number that orders the writes
of those who wrongly think that they hold it still.

No lock over a network keeps two processes apart for certain: one that is stopped for longer than the timeout goes on
without knowing. So a holder looks at `lost` before each step, and what must never be wrong is written behind
`guard()` (Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import re
import threading
import time
import weakref
from functools import partial
from types import TracebackType
from typing import Self

from django.db import connections

from cache_platform import fences, keys
from cache_platform.database_locks import get_database_locks
from cache_platform.exceptions import LockLost, LockNotAcquired, ParameterError, StoreUnavailable
from cache_platform.lock_grips import HELD, Grip
from cache_platform.lock_renewal import renewals
from cache_platform.statistics import counters
from cache_platform.stores.base import new_token
from cache_platform.stores.lock_store import get_lock_store

logger = logging.getLogger(__name__)

SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 0.1, 3600.0
"""Seconds. A shorter one would be lost to a hiccup; after a longer one a crash would be noticed too late."""
FIRST_PAUSE, LONGEST_PAUSE = 0.005, 0.1
"""Seconds between two attempts of whoever waits."""
HARMLESS = re.compile(r"[A-Za-z0-9_.:\-]{1,80}")
KIND = re.compile(r"[a-z][a-z0-9_]{0,29}")


class DistributedLock:
    """The lock `name`, for whoever enters `with` or calls `acquire`; an object is one holder's, and is not reentrant.

    It is renewed at a third of `timeout`, and free that many seconds after its holder died. `wait` seconds are waited
    for it at the most, 0 tries once.
    """

    def __init__(self, name: str, *, timeout: float, wait: float = 0) -> None:
        """Raises ParameterError for a timeout that is not from 0.1 to 3600 seconds, and a wait that is none."""
        if not _is_number(timeout) or not SHORTEST_TIMEOUT <= timeout <= LONGEST_TIMEOUT:
            raise ParameterError(f"timeout must be from {SHORTEST_TIMEOUT:g} to {LONGEST_TIMEOUT:g} seconds")
        self.name = name
        self._timeout, self._wait = float(timeout), _checked_wait(wait)
        self._lock = shown(name)
        self._counter = counter_of(name)
        self._in_use = threading.Lock()
        self._grip: Grip | None = None
        self._fence: int | None = None

    def __enter__(self) -> Self:
        """Raises LockNotAcquired when it cannot be had in time."""
        if not self.acquire():
            raise LockNotAcquired(self.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self, wait: float | None = None) -> bool:
        """Whether it could be had within `wait` seconds. Raises RuntimeError when this object has it, or waits for it,
        already, and in an event loop, which it would block. Never raises for a store that is away."""
        patience = self._wait if wait is None else _checked_wait(wait)
        _refuse_event_loop()
        if not self._in_use.acquire(blocking=False):
            raise RuntimeError(f"this object has the lock {self.name!r} already, or waits for it")
        grip = self._new_grip()
        held = False
        try:
            held, waited = _wait_for(grip, patience)
        finally:
            if not held:
                grip.release()
                self._in_use.release()
        counters.add(self._counter, {"held" if held else "refused": 1} | ({"waited": 1} if held and waited else {}))
        if held:
            _warn_of_transactions(self._lock)
            self._grip, self._fence = grip, None
            renewals.add(grip)
        return held

    def _new_grip(self) -> Grip:
        return Grip(
            self._lock,
            owner=new_token(),
            timeout=self._timeout,
            store=get_lock_store(),
            database=get_database_locks,
            on_lost=partial(counters.add, self._counter, {"lost": 1}),
            holder=weakref.ref(self),
        )

    def release(self) -> bool:
        """Let it go; True when it was held until now, False when it was lost, not held, or nobody can say, since Redis
        does not answer or was away meanwhile."""
        grip, self._grip, self._fence = self._grip, None, None
        if grip is None:
            return False
        renewals.remove(grip)
        try:
            return grip.release()
        finally:
            self._in_use.release()

    @property
    def lost(self) -> bool:
        """Whether it is not held (any more). Known within a third of the timeout, and at once by a process that was
        stopped for longer than that; asks nobody. Of one who had it during an outage, and let it go, it knows nothing:
        see `fence`."""
        return self._grip is None or self._grip.term.lost

    @property
    def backend(self) -> str:
        """Where it is held: `redis`, `memory`, or `postgresql` or `sqlite` while Redis is away; empty when not."""
        return "" if self._grip is None else self._grip.backend

    @property
    def fence(self) -> int:
        """This holder's number: for what refuses smaller ones. Greater than every one that was taken before.

        Taken when first asked for, by one query, and then confirmed to have been taken while the lock was held. So ask
        before the work that it is for: where Redis was away since it is refused, for somebody may have had lock and
        number meanwhile. Raises LockLost, and django.db.Error where the database does not answer.
        """
        if self._fence is not None:
            return self._fence
        grip = self._grip
        if grip is None or grip.term.lost:
            raise LockLost(self.name, "no number was taken while it was held")
        number, lasting = fences.next_number()
        if not grip.confirm():
            raise LockLost(self.name, "it could not be confirmed")
        if grip.moved:
            raise LockLost(self.name, "redis was away before its number was taken: somebody else may have had it")
        if lasting:
            self._fence = number
        return number

    def guard(self, using: str = "default") -> None:
        """Inside a transaction on `using`: let it write only if no later holder's has, and no earlier one's after it.

        Raises LockLost, which is to roll the transaction back; TransactionManagementError outside of one.
        """
        number = self.fence
        if self.lost:
            raise LockLost(self.name, "it was refused, or not renewed in time")
        fences.guard(self._lock, number, using=using, idle=self._timeout)


def shown(name: str) -> str:
    """`name` as part of a key: itself where that is harmless, else an HMAC of it."""
    return name if HARMLESS.fullmatch(name) else keys.part(name, secret=True, purpose="lock")


def counter_of(name: str) -> str:
    """Under which name the statistics have a lock: its kind, `lock:aura` for aura:42; no policy has such a one."""
    kind = name.partition(":")[0]
    return f"lock:{kind if KIND.fullmatch(kind) else 'other'}"


def _wait_for(grip: Grip, patience: float) -> tuple[bool, bool]:
    """Whether it is held now, and whether that took more than one attempt."""
    end, place, pauses, attempts = time.monotonic() + patience, -1, 0, 0
    while True:
        before, attempts = place, attempts + 1
        try:
            place = grip.attempt(queue=patience > 0)
        except StoreUnavailable as error:
            place = 1
            logger.info("the lock %s cannot be had anywhere: %s", grip.lock, error)
        left = end - time.monotonic()
        if place == HELD or left <= 0:
            return place == HELD, attempts > 1
        pauses = pauses + 1 if place == before else 0  # the queue has moved: soon it moves again
        time.sleep(min(left, _pause(place, pauses)))


def _pause(place: int, pauses: int) -> float:
    """Seconds until the next attempt: doubled while nothing happens, longer for those who stand far behind."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * place * 2.0 ** min(pauses, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311  # so that those who wait do not ask in step


def _refuse_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("a lock would block the event loop: take it in a thread, as by asyncio.to_thread")


def _warn_of_transactions(lock: str) -> None:
    """It would be let go before the COMMIT. Django's TestCase has each test in a transaction, which is no mistake."""
    for connection in connections.all(initialized_only=True):
        if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            logger.warning(
                "the lock %s was taken inside a transaction on %r, and the next holder may have it before that is"
                " committed: take the lock first",
                lock,
                connection.alias,
            )


def _checked_wait(wait: float) -> float:
    if not _is_number(wait) or not 0 <= wait < math.inf:
        raise ParameterError("wait must be seconds, 0 or more")
    return float(wait)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
