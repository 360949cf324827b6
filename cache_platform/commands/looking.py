"""A real look at what the cache stands on: every server (also whether it takes writes), the database, the outbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import Error, connections
from django.db.models import Count, Min
from django.utils import timezone

from cache_platform import health, keys, outbox
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores.base import Store
from cache_platform.stores.redis import RedisStore

OUTBOX_PATIENCE = 1.0
"""Seconds after which a database that does not say what is in its outbox counts as away."""
OLD = 5.0
"""Seconds: a row that waits longer than that, while the store is well, waits for a relay that does not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as this process sees it. `said` is what it says of itself, as in Store.describe."""

    name: str
    up: bool
    error: str = ""
    milliseconds: float | None = None
    breaker: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is in the outbox: how many rows, and how many seconds the oldest waits, None where there is none."""

    rows: int
    oldest: float | None


def look_at_servers(*, writes: bool) -> list[Server]:
    """Each server; with `writes` it is asked whether it takes them, which a replica or a full disk does not."""
    return [_look(name, store, writes=writes) for name, store in health.servers().items()]


def _look(name: str, store: Store, *, writes: bool) -> Server:
    began = time.monotonic()
    took, said, error = None, dict[str, Any](), ""
    try:
        store.ping()
        took = round((time.monotonic() - began) * 1000, 1)
        said = store.describe()
        if writes:
            # Takes back a slot that nobody has: a script that may write, and changes nothing.
            store.give_back([keys.limit_key("health", 1, ["health"])], "nobody")
    except StoreUnavailable as failure:
        error = str(failure)
    breaker = _breaker(store)
    if breaker == "open" and not error:
        error = "its breaker is open"
    return Server(name=name, up=not error, error=error, milliseconds=took, breaker=breaker, said=said)


def _breaker(store: Store) -> str | None:
    if not isinstance(store, RedisStore):
        return None
    return "open" if store.breaker.is_open else "closed"


class _Question(threading.Thread):
    """Asks each outbox, in a thread of its own: a database that hangs shall keep nobody."""

    def __init__(self) -> None:
        super().__init__(name="outbox-look", daemon=True)
        self.answer: Waiting | None = None
        self.error = "it does not answer"

    def run(self) -> None:
        """Ask, and note the answer."""
        from cache_platform.models import OutboxRow  # needs Django to be set up

        rows, oldest = 0, None
        try:
            for using in outbox.databases():
                found = OutboxRow.objects.using(using).aggregate(rows=Count("pk"), oldest=Min("created_at"))
                rows += found["rows"]
                oldest = min(filter(None, (oldest, found["oldest"])), default=None)
        except Error as error:
            self.error = f"{type(error).__name__}: {error}".strip()
        else:
            age = None if oldest is None else max(0.0, round((timezone.now() - oldest).total_seconds(), 1))
            self.answer = Waiting(rows, age)
        finally:
            connections.close_all()


class OutboxLook:
    """Asks what waits in the outbox, one question at a time."""

    def __init__(self) -> None:
        self._latest: _Question | None = None
        self.error = ""
        """Why the latest question has no answer."""

    def ask(self) -> Waiting | None:
        """What waits; None when that is not known within OUTBOX_PATIENCE seconds, or an earlier question still runs."""
        if self._latest is not None and self._latest.is_alive():
            return None
        self._latest = question = _Question()
        question.start()
        question.join(OUTBOX_PATIENCE)
        answered = question.answer if not question.is_alive() else None
        self.error = "" if answered is not None else question.error
        return answered
