"""People and platforms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.accounts.credentials import empty_redis
from tests.integration.connectors.people import Person, new_person
from tests.integration.connectors.platforms import take_all_for_well
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest

__all__ = ["empty_redis"]


@pytest.fixture
def platforms(
    sandbox: SandboxUnderTest, settings: Any, empty_redis: RedisUnderTest, transactional_db: None
) -> Iterator[SandboxUnderTest]:
    """The sandbox's platforms, with a database, an empty Redis, and nothing known of earlier failures."""
    settings.SANDBOX_URL = sandbox.url
    take_all_for_well()
    yield sandbox
    take_all_for_well()


@pytest.fixture
def person(platforms: SandboxUnderTest) -> Person:
    """Somebody with no connection."""
    return new_person()
