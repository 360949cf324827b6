"""A lock as one holder has it: in Redis, in the database, or in both.

Redis is asked first, always. Where it does not answer the database decides. For some seconds after Redis has come back
both have to agree, since other processes may still be without it. The same rule holds for acquiring and for renewing,
so a lock moves to the database when Redis goes, and back when it comes, unless somebody else has it there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from cache_platform.exceptions import StoreUnavailable
from cache_platform.lock_terms import Term
from cache_platform.stores.lock_store import LockStore, MemoryLocks, RedisLocks

logger = logging.getLogger(__name__)

LONGEST_IN_DATABASE = 1.0
"""Seconds between two renewals of a lock in the database, at the most: so soon it is seen that Redis is back."""
DATABASE_PATIENCE = 3.0
"""Seconds that a confirmation waits for a renewal in the database that is under way."""
HELD = 0
"""What a store answers whoever has the lock now; else it is a place in the queue."""


class Grip:
    """`owner`'s hand on `lock`. `holder` gives None once nobody can let it go any more."""

    def __init__(
        self,
        lock: str,
        *,
        owner: str,
        timeout: float,
        store: RedisLocks | MemoryLocks,
        database: Callable[[], LockStore | None],
        on_lost: Callable[[], None],
        holder: Callable[[], object | None] = lambda: True,
    ) -> None:
        self.lock, self.owner, self.timeout = lock, owner, timeout
        self.holder = holder
        self.term = Term(timeout, on_lost=on_lost)
        self._store, self._find_database = store, database
        self._asking, self._asking_database = threading.Lock(), threading.Lock()
        self._in_store = self._in_database = False
        self._traces_in_store, self._traces_in_database = True, False
        """Whether there may be something of this owner: the lock, a place in the queue, a session."""

    @property
    def backend(self) -> str:
        """Which store has it: the database only while Redis has not."""
        return self._database().name if self._in_database and not self._in_store else self._store.name

    @property
    def interval(self) -> float:
        """Seconds from one renewal to the next."""
        third = self.timeout / 3
        return min(third, LONGEST_IN_DATABASE) if self._in_database else third

    def attempt(self, *, queue: bool) -> int:
        """Try once: HELD, or the place in the queue. Raises StoreUnavailable when nobody can say."""
        sent = self.term.now()
        try:
            place = self._store.acquire(self.lock, self.owner, self.timeout, queue=queue)
        except StoreUnavailable as error:
            self._tell_away(error)
            sent = self.term.now()
            place = self._acquire_in_database(queue=queue)
        else:
            self._tell_back()
            self._in_store = place == HELD
            self._traces_in_store = queue or self._in_store
            if self._in_store and self._store.in_doubt and not self._database_agrees():
                place = 1
        if place == HELD and self.term.now() - sent < self.timeout:
            self.term.begin(sent)
            return HELD
        self._give_back()
        return max(place, 1)

    def renew(self) -> bool:
        """Renew it where it is. False when the database has to be asked as well: see `renew_in_database`."""
        with self._asking:
            if self.term.over:
                return True
            sent = self.term.now()
            try:
                # Who has it in the database takes it back to Redis, past those who wait there.
                kept = self._store.renew(self.lock, self.owner, self.timeout, take=self._in_database)
            except StoreUnavailable as error:
                self._tell_away(error)
                self._in_store = False
                return False
            self._tell_back()
            self._in_store = self._traces_in_store = kept
            if not kept:
                self.term.lose()
                return True
            self.term.confirm(sent)
        return not self._in_database and not self._store.in_doubt

    def renew_in_database(self, *, patience: float = 0) -> None:
        """Hear the database. It may hang, so this is not for a thread that others wait for."""
        if not self._asking_database.acquire(timeout=patience):
            return
        try:
            if not self.term.over:
                self._hear_database()
        except StoreUnavailable as error:
            logger.warning("the lock %s was not renewed: %s", self.lock, error)
        finally:
            self._asking_database.release()
        if self.term.over:  # meanwhile; what was taken then is for nobody
            self._leave_database()

    def _hear_database(self) -> None:
        sent = self.term.now()
        if self._in_store:
            if not self._store.in_doubt:
                self._leave_database()
            elif not self._database_agrees():
                self.term.lose()
            return
        if self._in_database:
            kept = self._database().renew(self.lock, self.owner, self.timeout)
        else:
            kept = self._acquire_in_database(queue=False) == HELD
        if kept:
            self.term.confirm(sent)
        else:
            self.term.lose()

    def confirm(self) -> bool:
        """Ask whether it is still held; False also when nobody can say."""
        asked = self.term.now()
        if not self.renew():
            self.renew_in_database(patience=DATABASE_PATIENCE)
        return self.term.confirmed_since(asked)

    def release(self) -> bool:
        """Let it go, and leave the queue; True when it is known to have been held until now. Never raises."""
        if self.term.foreign:
            return False
        in_time = self.term.end()
        with self._asking:  # a renewal that is under way might take it once more
            in_store = self._in_store
            held_in_store, held_in_database = self._leave_store(), self._leave_database()
        return in_time and (held_in_store if in_store else held_in_database)

    def _acquire_in_database(self, *, queue: bool) -> int:
        self._traces_in_database = True
        place = self._database().acquire(self.lock, self.owner, self.timeout, queue=queue)
        self._in_database = place == HELD
        return place

    def _database_agrees(self) -> bool:
        """Whether nobody has it in the database alone; one that does not answer gives it to nobody else either."""
        try:
            if self._in_database:
                return self._database().renew(self.lock, self.owner, self.timeout)
            return self._acquire_in_database(queue=False) == HELD
        except StoreUnavailable as error:
            logger.info("the lock %s is held in redis alone: %s", self.lock, error)
            return True

    def _give_back(self) -> None:
        """What was granted in one place and is of no use."""
        if self._in_store:
            self._leave_store()
        if self._in_database:
            self._leave_database()

    def _leave_store(self) -> bool:
        self._in_store = False
        if not self._traces_in_store:
            return False
        with suppress(StoreUnavailable):  # it ends by its timeout
            return self._store.release(self.lock, self.owner)
        return False

    def _leave_database(self) -> bool:
        if not self._traces_in_database:
            return False
        self._in_database = False
        with suppress(StoreUnavailable):  # as above
            return self._database().release(self.lock, self.owner)
        return False

    def _database(self) -> LockStore:
        found = self._find_database()
        if found is None:
            raise StoreUnavailable("the database has no locks that could stand in for redis")
        return found

    def _tell_away(self, error: StoreUnavailable) -> None:
        if not self._store.away:
            self._store.away = True
            logger.warning("locks are taken in the database, redis is away: %s", error)

    def _tell_back(self) -> None:
        if self._store.away:
            self._store.away = False
            logger.warning("locks are taken in redis again")
