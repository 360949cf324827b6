"""A lock as one holder has it: in Redis, in the database, or in both.

Redis is asked first, always. Where it does not answer the database decides. For some seconds after Redis has come back
both have to agree, since other processes may still be without it. The same rule holds for acquiring and for renewing,
so a lock moves to the database when Redis goes, and back when it comes, unless somebody else has it there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import Enum, auto

from cache_platform.exceptions import StoreNotAsked, StoreUnavailable
from cache_platform.lock_terms import Term
from cache_platform.stores.lock_store import FirstLocks, LockStore

logger = logging.getLogger(__name__)

LONGEST_IN_DATABASE = 1.0
"""Seconds between two renewals of a lock in the database, at the most: so soon it is seen that Redis is back."""
DATABASE_PATIENCE = 3.0
"""Seconds that a confirmation waits for a renewal in the database that is under way."""
HELD = 0
"""What a store answers whoever has the lock now; else it is a place in the queue."""


class Hold(Enum):
    """What an owner has in one store."""

    NOTHING = auto()
    PERHAPS = auto()
    """A place in the queue; or nobody can say, since the store did not answer."""
    LOCK = auto()


class Grip:
    """`owner`'s hand on `lock`. `holder` gives None once nobody can let it go any more."""

    def __init__(
        self,
        lock: str,
        *,
        owner: str,
        timeout: float,
        store: FirstLocks,
        database: Callable[[], LockStore | None],
        on_lost: Callable[[], None],
        holder: Callable[[], object | None] = lambda: True,
    ) -> None:
        self.lock, self.owner, self.timeout = lock, owner, timeout
        self.holder = holder
        self.term = Term(timeout, on_lost=on_lost)
        self._on_lost = on_lost
        self._store, self._find_database = store, database
        self._asking, self._asking_database = threading.Lock(), threading.Lock()
        self._in_store = self._in_database = Hold.NOTHING
        self._began = ("", 0)

    @property
    def backend(self) -> str:
        """Which store has it: the database only while Redis has not."""
        in_database = self._in_database is Hold.LOCK and self._in_store is not Hold.LOCK
        return self._database().name if in_database else self._store.name

    @property
    def moved(self) -> bool:
        """Whether there was an outage since it was acquired, or is one that it was not acquired in: somebody else may
        have had the lock meanwhile where this owner had not, and have let it go."""
        return self._began != (self.backend, self._store.outages)

    @property
    def interval(self) -> float:
        """Seconds from one renewal to the next."""
        third = self.timeout / 3
        return min(third, LONGEST_IN_DATABASE) if self._in_database is Hold.LOCK else third

    def attempt(self, *, queue: bool) -> int:
        """Try once: HELD, or the place in the queue. Raises StoreUnavailable when nobody can say."""
        sent, outages = self.term.now(), self._store.outages
        try:
            place = self._acquire_in_store(queue=queue)
        except StoreUnavailable as error:
            self._tell_away(error)
            sent = self.term.now()
            place = self._acquire_in_database()
        else:
            if place == HELD and self._store.in_doubt and not self._database_agrees():
                place = 1
        if place == HELD and self.term.now() - sent < self.timeout:
            self._began = (self.backend, outages)
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
            # Who has it in the database alone takes it back to Redis, past those who wait there.
            take = self._in_database is Hold.LOCK and self._in_store is not Hold.LOCK
            try:
                kept = self._store.renew(self.lock, self.owner, self.timeout, take=take)
            except StoreUnavailable as error:
                self._tell_away(error)
                if self._in_store is Hold.LOCK or not isinstance(error, StoreNotAsked):
                    self._in_store = Hold.PERHAPS
                return False
            self._tell_back()
            self._in_store = Hold.LOCK if kept else Hold.NOTHING
            if not kept:
                self.term.lose()
                return True
            self.term.confirm(sent)
        return self._in_database is Hold.NOTHING and not self._store.in_doubt

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
        if self._in_store is Hold.LOCK:
            if not self._store.in_doubt:
                self._leave_database()
            elif self._database_agrees() is False:
                self.term.lose()
            return
        if self._in_database is Hold.LOCK:
            kept = self._database().renew(self.lock, self.owner, self.timeout)
        else:
            kept = self._acquire_in_database() == HELD
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
            moved, in_store, in_database = self.moved, self._in_store, self._in_database
            let_go, let_go_in_database = self._leave_store(), self._leave_database()
            if self._in_store is not Hold.NOTHING:
                self._store.release_later(self.lock, self.owner)
                self._in_store = Hold.NOTHING
        had = let_go if in_store is Hold.LOCK else let_go_in_database if in_database is Hold.LOCK else None
        if in_time and had is False:
            self._on_lost()
        return in_time and had is True and not moved

    def _acquire_in_store(self, *, queue: bool) -> int:
        before, self._in_store = self._in_store, Hold.PERHAPS
        try:
            place = self._store.acquire(self.lock, self.owner, self.timeout, queue=queue)
        except StoreNotAsked:
            self._in_store = before
            raise
        self._tell_back()
        if place == HELD:
            self._in_store = Hold.LOCK
        elif not queue:
            self._in_store = Hold.NOTHING
        return place

    def _acquire_in_database(self) -> int:
        database, self._in_database = self._database(), Hold.PERHAPS
        place = database.acquire(self.lock, self.owner, self.timeout)
        self._in_database = Hold.LOCK if place == HELD else Hold.NOTHING
        return place

    def _database_agrees(self) -> bool | None:
        """Whether nobody else has it in the database; None when that cannot say: somebody may have it there still."""
        if self._find_database() is None:
            return True
        try:
            if self._in_database is Hold.LOCK:
                return self._database().renew(self.lock, self.owner, self.timeout)
            return self._acquire_in_database() == HELD
        except StoreUnavailable as error:
            logger.warning("whether the lock %s is held in the database cannot be known: %s", self.lock, error)
            return None

    def _give_back(self) -> None:
        """What was granted in one place and is of no use."""
        if self._in_store is Hold.LOCK:
            self._leave_store()
        if self._in_database is Hold.LOCK:
            self._leave_database()

    def _leave_store(self) -> bool | None:
        """Whether it was there; None when nobody can say, or nobody was asked."""
        if self._in_store is Hold.NOTHING:
            return None
        self._in_store = Hold.PERHAPS
        try:
            had = self._store.release(self.lock, self.owner)
        except StoreUnavailable:
            return None
        self._in_store = Hold.NOTHING
        return had

    def _leave_database(self) -> bool | None:
        """As `_leave_store`; where it fails it ends by its timeout."""
        if self._in_database is Hold.NOTHING:
            return None
        self._in_database = Hold.PERHAPS
        try:
            had = self._database().release(self.lock, self.owner)
        except StoreUnavailable:
            return None
        self._in_database = Hold.NOTHING
        return had

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
