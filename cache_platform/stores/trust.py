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

from django.db import connections

from cache_platform.exceptions import OutboxUnreadable, StoreUnavailable

logger = logging.getLogger(__name__)

MARK_LASTS = 0.9
"""Seconds by the store's clock from the beginning of a look; less than a write waits."""
PATIENCE = 1.0
"""Seconds that a reader waits for a look."""
EXCUSED_FOR = 2.0
"""Seconds for which a process goes on without a look when the database does not answer."""


class Looks:
    """One process's looks at the outbox on behalf of one store. `look` is one; it raises StoreUnavailable when the
    store fails and OutboxUnreadable when the database does."""

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        """Know of no look; so a forked child begins."""
        self._lock = threading.Lock()
        self._running: Future[None] | None = None
        self._believed = False
        self._excused_until = 0.0

    def believed(self) -> None:
        """A lookup has found the mark."""
        self._believed = True

    @property
    def excused(self) -> bool:
        """Whether this process goes on without the mark for the moment, because the database is away: then nobody can
        write either, unless it is this process alone that cannot reach it."""
        return time.monotonic() < self._excused_until

    def one(self) -> None:
        """Wait for a look, one at a time in this process. Raises StoreUnavailable when it could not be done, and this
        process is not excused: one that has never been believed has no reason to be."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = self._begun()
            running = self._running
        try:
            running.result(PATIENCE)
        except (OutboxUnreadable, TimeoutError) as error:
            if not self._believed:
                raise StoreUnavailable("the outbox has not been looked at yet") from error
            logger.warning("going on without a look at the outbox, the database does not answer: %s", error)
            self._excused_until = time.monotonic() + EXCUSED_FOR

    def _begun(self) -> Future[None]:
        """A look that has begun, in a thread with database connections of its own: the caller's may be in a
        transaction, whose snapshot hides what others have committed."""
        done: Future[None] = Future()

        def run() -> None:
            try:
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
