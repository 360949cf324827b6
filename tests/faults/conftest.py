"""A Redis that a test may hurt, used by the platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cache_platform.stores.connection import get_breaker, get_client
from tests.conftest import use_redis
from tests.services.redis import RedisUnderTest


@pytest.fixture
def frail_redis(tmp_path: Path, settings: Any) -> Iterator[RedisUnderTest]:
    """A Redis of this test's own."""
    with RedisUnderTest(tmp_path / "redis") as server:
        use_redis(settings, server.url)
        yield server
        get_breaker("default").reset()
        get_client("default").connection_pool.disconnect()
