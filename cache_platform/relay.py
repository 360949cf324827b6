"""The relay: looks at the outbox again and again, and at once when somebody writes to it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import Error, connections

from cache_platform import outbox
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores.redis import RedisStore

logger = logging.getLogger(__name__)

INTERVAL = 0.3
"""Seconds between two looks; a third of what the mark of one lasts."""
LISTEN = 5.0
"""Seconds after which a listener sees whether it is to stop, and whether its connection still lives."""
PAUSE = 0.5
"""Seconds before a listener's next attempt after its database failed."""

TICK = 0.25
"""Seconds between two looks at which errands are due."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What else the relay does, `every` so many seconds."""

    every: float
    run: Callable[[], object]


_errands: dict[str, Errand] = {}


def errand(name: str, run: Callable[[], object], *, every: float) -> None:
    """Have the relay call `run` every so many seconds, for what a broker or another server did not take when it was
    away. Call it while apps load. It is in a thread of its own, so that no look at the outbox is late; what it raises
    is logged, and it is called again. It must bear being run in several relays at once.
    """
    _errands[name] = Errand(every, run)


def run(store: RedisStore, stop: threading.Event) -> None:
    """Relay until `stop` is set, whatever fails meanwhile."""
    called = threading.Event()
    for using in outbox.databases():
        if connections[using].vendor == "postgresql":
            threading.Thread(target=_listen, args=(using, called, stop), name=f"listen-{using}", daemon=True).start()
    if _errands:
        threading.Thread(target=run_errands, args=(stop,), name="errands", daemon=True).start()
    well = True
    while not stop.is_set():
        said = _look(store)
        if said and well:
            logger.warning("the outbox waits: %s", said)
        elif not said and not well:
            logger.warning("the outbox is drained again")
        well = not said
        called.wait(INTERVAL)
        called.clear()
    connections.close_all()


def run_errands(stop: threading.Event) -> None:
    """Run each errand as often as it wants until `stop` is set."""
    due = dict.fromkeys(_errands, time.monotonic())
    while not stop.wait(TICK):
        for name, each in _errands.items():
            if due.setdefault(name, time.monotonic()) > time.monotonic():
                continue
            try:
                each.run()
            except Exception:
                logger.exception("the errand %s stumbled", name)
                connections.close_all()
            due[name] = time.monotonic() + each.every


def _look(store: RedisStore) -> str:
    """One look; what was wrong, or nothing. The relay goes on whatever it was."""
    try:
        store.look_at_outbox()
    except StoreUnavailable as error:
        connections.close_all()
        return str(error)
    except Exception as error:
        logger.exception("the relay stumbled")
        return str(error)
    return ""


def _listen(using: str, called: threading.Event, stop: threading.Event) -> None:
    """Set `called` whenever somebody writes to this database's outbox. Only a matter of speed: nothing is lost when it
    hears nothing."""
    while not stop.is_set():
        try:
            _wait_for_calls(connections[using], called, stop)
        except Error as error:
            logger.info("not listening on %s: %s", using, error)
        except Exception:
            logger.exception("the listener of %s stumbled", using)
        connections[using].close()
        stop.wait(PAUSE)


def _wait_for_calls(connection: Any, called: threading.Event, stop: threading.Event) -> None:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {outbox.CHANNEL}")
    called.set()  # for what was written before this
    with connection.wrap_database_errors:
        while not stop.is_set():
            for _ in connection.connection.notifies(timeout=LISTEN):
                called.set()
            connection.connection.execute("SELECT 1")
