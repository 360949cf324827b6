"""A database, an empty Redis, and a limit that no test here is about."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.accounts.credentials import empty_redis
from tests.integration.auras.people import Person, person
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]


@pytest.fixture(autouse=True)
def auras(empty_redis: RedisUnderTest, transactional_db: None, settings: Any) -> RedisUnderTest:
    """See above."""
    limits = {**settings.CACHE_PLATFORM["RATE_LIMITS"], "auras": "1000/60s"}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": limits}
    return empty_redis


@pytest.fixture
def ada() -> Person:
    """Somebody with a token."""
    return person()
