"""Django caches on real servers, for the contract tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from cache_platform.stores.connection import get_breaker
from tests.contracts.django_cache import caches_on
from tests.services.redis import RedisUnderTest


@pytest.fixture
def raw(redis_server: RedisUnderTest) -> Iterator[redis.Redis]:
    """A plain client of the shared server."""
    with redis_server.client() as client:
        yield client


@pytest.fixture
def cache(redis_server: RedisUnderTest) -> Iterator[Any]:
    """CACHES["default"] on the shared server, which is healthy and empty."""
    with caches_on(redis_server.url) as default:
        yield default


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisUnderTest]:
    """A server of the test's own, to be paused, filled and killed, with a breaker of its own."""
    with RedisUnderTest(tmp_path) as server:
        yield server
        if server.is_running:
            server.resume()


@pytest.fixture
def own_raw(own_redis: RedisUnderTest) -> Iterator[redis.Redis]:
    """A plain client of the test's own server."""
    with own_redis.client() as client:
        yield client


@pytest.fixture
def frail_cache(own_redis: RedisUnderTest) -> Iterator[Any]:
    """CACHES["default"] on the test's own server."""
    with caches_on(own_redis.url) as default:
        yield default
        stop_probing()


@pytest.fixture
def absent_cache(tmp_path: Path) -> Iterator[Any]:
    """CACHES["default"] at an address where no server ever was."""
    with caches_on(f"unix://{tmp_path}/absent") as default:
        yield default
        stop_probing()


def stop_probing() -> None:
    """End the breaker's thread, which would else ask a server that is gone until the tests end."""
    get_breaker("default")._wake.set()
