"""When the store may be believed: while somebody has looked at the outbox a moment ago.

An entry in Redis may be older than a write that could not tell Redis so. Such a write has left a row in the outbox, and
waits for its drain, `transactions.WAIT` seconds at the longest. So an entry may be served when the outbox was looked
at, and what was in it drained, less than that ago. A look leaves a mark in Redis, which ends by itself; every lookup of
a strict policy sees in its one round trip whether it is there. The relay looks again and again; where no mark is, the
process that misses it looks. Nobody has to be alive, to notice an outage or to keep time for this to hold.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from django.db import Error, connections

from cache_platform.exceptions import OutboxUnreadable, StoreUnavailable

logger = logging.getLogger(__name__)

MARK_LASTS = 0.9
"""Seconds by the store's clock from the beginning of a look; less than a write waits."""
PATIENCE = 0.4
"""Seconds that a reader waits for a look."""
MOST_HUNG = 2
"""Looks that hang in a database that does not answer; no more are begun beside them."""


class Looks:
    """One process's looks at the outbox on behalf of one store. `look` is one; it raises StoreUnavailable when the
    store fails and OutboxUnreadable when the database does. `ask` has the database answer anything; a look that is slow
    after that is a long drain, and no excuse."""

    def __init__(self, look: Callable[[], object], *, ask: Callable[[], object]) -> None:
        self._look = look
        self._ask = ask
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """Know of no look; so a forked child begins."""
        self._lock = threading.Lock()
        self._running: tuple[float, Future[None], threading.Event] | None = None
        self._hung: list[Future[None]] = []
        self._believed = False
        self._excused_until = 0.0

    def believed(self) -> None:
        """A lookup has found the mark."""
        self._believed = True

    def doubted(self) -> None:
        """The store was away: what was believed before says nothing any more."""
        self._believed = False
        self._excused_until = 0.0

    @property
    def excused(self) -> bool:
        """Whether this process goes on without the mark for the moment, because no database answers: then nobody can
        write either, unless it is this process alone that cannot reach them. For as long as a mark would last."""
        return time.monotonic() < self._excused_until

    def one(self) -> None:
        """Wait for a look, one at a time in this process. Raises StoreUnavailable when it could not be done, and this
        process is not excused: one that has never been believed has no reason to be."""
        with self._lock:
            if self._running is None or self._running[1].done():
                answered = threading.Event()
                self._running = (time.monotonic(), self._begun(answered), answered)
            began, running, answered = self._running
        try:
            running.result(PATIENCE)
        except (OutboxUnreadable, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                if answered.is_set():
                    raise StoreUnavailable("the outbox is not drained yet") from error
                self._leave_hung(running)
            if not self._believed:
                raise StoreUnavailable("the outbox has not been looked at yet") from error
            logger.warning("going on without a look at the outbox, the database does not answer: %s", error)
            self._excused_until = began + MARK_LASTS

    def _leave_hung(self, running: Future[None]) -> None:
        with self._lock:
            if self._running is not None and self._running[1] is running:
                self._running = None
                self._hung = [each for each in self._hung if not each.done()] + [running]

    def _begun(self, answered: threading.Event) -> Future[None]:
        """A look that has begun, in a thread with database connections of its own: the caller's may be in a
        transaction, whose snapshot hides what others have committed."""
        done: Future[None] = Future()
        if sum(not each.done() for each in self._hung) >= MOST_HUNG:
            done.set_exception(OutboxUnreadable("the database does not answer"))
            return done

        def run() -> None:
            try:
                with suppress(Error):  # the look says what is wrong
                    self._ask()
                    answered.set()
                self._look()
            except BaseException as error:  # noqa: BLE001  # handed to those who wait
                done.set_exception(error)
            else:
                done.set_result(None)
            finally:
                connections.close_all()

        try:
            threading.Thread(target=run, name="cache-look", daemon=True).start()
        except RuntimeError:  # no more threads
            done.set_exception(StoreUnavailable("the outbox cannot be looked at, there are no more threads"))
        return done
