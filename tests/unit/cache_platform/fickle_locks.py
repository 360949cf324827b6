"""Redis and a database that have locks, and fail when told."""

from __future__ import annotations

from typing import Any

from cache_platform.exceptions import StoreUnavailable
from cache_platform.lock_grips import Grip
from cache_platform.stores.lock_store import MemoryLocks

NAME = "thing:42"


class Fickle(MemoryLocks):
    """A store that answers or does not."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.gone = self.in_doubt = self.away = False
        self.outages = 0
        self.left: list[str] = []

    def _ask(self) -> None:
        if self.gone:
            raise StoreUnavailable("on purpose")

    def acquire(self, *args: Any, **kwargs: Any) -> int:
        self._ask()
        return super().acquire(*args, **kwargs)

    def renew(self, *args: Any, **kwargs: Any) -> bool:
        self._ask()
        return super().renew(*args, **kwargs)

    def release(self, *args: Any, **kwargs: Any) -> bool:
        self._ask()
        return super().release(*args, **kwargs)

    def release_later(self, lock: str, owner: str) -> None:
        self.left.append(owner)

    def come_back(self) -> None:
        """As after an outage."""
        self.gone, self.in_doubt, self.outages = False, True, self.outages + 1

    @property
    def owner(self) -> str:
        """Who has the lock here."""
        kept = self._locks.get(NAME)
        return kept.owner if kept else ""


class Two:
    """Redis and a database, and how often a loss was told."""

    def __init__(self) -> None:
        self.redis, self.database = Fickle("redis"), Fickle("postgresql")
        self.losses = 0

    def grip(self, owner: str, *, timeout: float = 60) -> Grip:
        """A hand on the lock."""
        return Grip(
            NAME,
            owner=owner,
            timeout=timeout,
            store=self.redis,
            database=lambda: self.database,
            on_lost=self._count,
        )

    def _count(self) -> None:
        self.losses += 1

    @property
    def owners(self) -> tuple[str, str]:
        """In Redis, and in the database."""
        return self.redis.owner, self.database.owner


def renew(grip: Grip) -> None:
    """As the thread does."""
    if not grip.renew():
        grip.renew_in_database()
