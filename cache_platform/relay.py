"""The relay: drains the outbox as soon as something is written to it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from django.db import Error, connections

from cache_platform import outbox
from cache_platform.exceptions import StoreUnavailable

logger = logging.getLogger(__name__)

POLL = 0.2
"""Seconds between two looks at an outbox whose database cannot call; well below what a write waits for its drain."""
LONGEST_LISTEN = 0.5
"""Seconds after which a listening relay looks all the same: a call may be lost with a connection."""
PAUSE = 0.5
"""Seconds before the next attempt after the database or the store failed."""


class Relay:
    """One database's relay. `run` returns once `stop` is set."""

    def __init__(self, using: str, stop: threading.Event) -> None:
        self._using = using
        self._stop = stop

    def run(self) -> None:
        """Drain whenever something is there, whatever fails meanwhile."""
        while not self._stop.is_set():
            try:
                self._listen()
                while not self._stop.is_set():
                    if outbox.waiting(self._using):
                        outbox.drain(self._using)
                    self._wait()
            except StoreUnavailable as error:
                logger.info("the outbox waits for the store: %s", error)
                self._stop.wait(PAUSE)
            except Error as error:
                logger.warning("the outbox of %s cannot be read: %s", self._using, error)
                connections[self._using].close()
                self._stop.wait(PAUSE)
            except Exception:  # the relay goes on whatever happens; nothing else drains while all is well
                logger.exception("the relay of %s stumbled", self._using)
                self._stop.wait(PAUSE)
        connections[self._using].close()

    @property
    def _connection(self) -> Any:
        return connections[self._using]

    def _listen(self) -> None:
        self._connection.ensure_connection()
        if self._connection.vendor == "postgresql":
            with self._connection.cursor() as cursor:
                cursor.execute(f"LISTEN {outbox.CHANNEL}")

    def _wait(self) -> None:
        """Return when somebody called, or it is time to look."""
        if self._connection.vendor != "postgresql":
            self._stop.wait(POLL)
            return
        self._connection.ensure_connection()
        until = time.monotonic() + LONGEST_LISTEN
        for _ in self._connection.connection.notifies(timeout=LONGEST_LISTEN, stop_after=1):
            return
        if time.monotonic() < until - LONGEST_LISTEN / 2:  # it returned early: the connection is of no use
            self._stop.wait(POLL)


def run(stop: threading.Event) -> None:
    """Relay every database's outbox until `stop` is set."""
    threads = [
        threading.Thread(target=Relay(using, stop).run, name=f"relay-{using}", daemon=True)
        for using in outbox.databases()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
