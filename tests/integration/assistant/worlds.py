"""Two processes of the site that cache, and one that does not and has a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.accounts.peers import Peer
from tests.services.databases import NewDatabase
from tests.services.redis import RedisUnderTest
from tests.services.site import base_environment

CODE = "from tests.integration.assistant.acting import do\nresult = do(orders)"
NO_LIMITS = {"RATE_LIMIT_UPLOAD": "1000000/60s", "RATE_LIMIT_SEARCH": "1000000/60s", "LOG_LEVEL": "ERROR"}


@dataclass(frozen=True)
class Worlds:
    """`cached` share a database and a Redis; `uncached` has neither in common with them. The databases began equal, so
    the same writes in the same order give the same numbers."""

    cached: tuple[Peer, Peer]
    uncached: Peer

    def everywhere(self, writer: int, order: dict[str, Any]) -> tuple[Any, Any]:
        """What came of an order at one of the processes that cache, and at the one that does not."""
        return tell(self.cached[writer], [order])[0], tell(self.uncached, [order])[0]


def tell(peer: Peer, orders: list[dict[str, Any]]) -> list[Any]:
    """What came of the orders."""
    return list(peer.run(CODE, orders=orders))


@contextmanager
def begun(new_database: NewDatabase, redis: RedisUnderTest, folder: Path) -> Iterator[Worlds]:
    """With the demo accounts and personas, and nothing else."""
    one, two = new_database(), new_database()
    redis.flush()
    cached = base_environment(folder, DATABASE_URL=one, REDIS_URL=redis.url, **NO_LIMITS)
    uncached = base_environment(folder, DATABASE_URL=two, REDIS_URL=redis.url, ENABLE_REDIS_CACHE="false", **NO_LIMITS)
    with ExitStack() as stack:
        a, b, c = (
            stack.enter_context(Peer(environment, folder / f"{name}.log"))
            for name, environment in (("a", cached), ("b", cached), ("c", uncached))
        )
        yield Worlds((a, b), c)
