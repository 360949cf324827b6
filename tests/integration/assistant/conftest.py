"""A database, an empty Redis, and limits that no test here is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from assistant.models import Persona
from tests.integration.accounts.credentials import empty_redis
from tests.integration.assistant.worlds import Worlds, begun
from tests.services.databases import NewDatabase
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]


@pytest.fixture
def worlds(
    redis_server: RedisUnderTest, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worlds]:
    """New ones."""
    with begun(new_database, redis_server, tmp_path_factory.mktemp("worlds")) as found:
        yield found


@pytest.fixture(autouse=True)
def assistant(empty_redis: RedisUnderTest, transactional_db: None, settings: Any) -> RedisUnderTest:
    """See above; without the demo personas, which the first test of a session would find, and no later one."""
    Persona.objects.all().delete()
    limits = {**settings.CACHE_PLATFORM["RATE_LIMITS"], "upload": "1000/60s", "search": "1000/60s"}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": limits}
    return empty_redis
