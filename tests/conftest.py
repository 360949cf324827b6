"""What all tests share: servers, a clean registry, and a cache that starts empty."""

from __future__ import annotations

import atexit
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import hypothesis
import pytest
from django.conf import settings

from cache_platform import inputs
from cache_platform.breaker import Breaker
from cache_platform.changes import changes
from cache_platform.entry_counts import entry_counter
from cache_platform.policies import CachePolicy, registry
from cache_platform.statistics import counters
from cache_platform.stores import reset_process
from cache_platform.stores.lock_store import reset_locks
from cache_platform.stores.pending import pending
from tests.services.flushing import use_quick_flush
from tests.services.redis import RedisUnderTest

pytest_plugins = ["tests.services.fixtures"]

# How long examples take to make says how busy the machine is, and nothing of the code.
hypothesis.settings.register_profile(
    "site", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("site")

use_quick_flush()

atexit.register(shutil.rmtree, settings.VAR_DIR, ignore_errors=True)


@pytest.fixture(autouse=True)
def empty_process() -> Iterator[None]:
    """Nothing that a test left in this process's memory reaches the next one."""
    reset_process()
    reset_locks()
    pending.reset()
    counters.forget()
    changes.reset()
    entry_counter.reset()
    yield
    assert not isinstance(inputs.in_transaction, Mock), "a patch was left behind: undone after what it was put on"
    counters.forget()
    for breaker in list(Breaker._all):
        breaker.reset()  # or its thread would probe, and draw random numbers, during the next test


@pytest.fixture
def declare() -> Iterator[Callable[..., CachePolicy[Any]]]:
    """`declare(name=…, …)` registers a policy for this test alone."""
    names = []

    def make(**declaration: Any) -> CachePolicy[Any]:
        policy = registry.register(CachePolicy(**{"name": "test.thing", "schema": dict, "ttl": 60, **declaration}))
        names.append(policy.name)
        return policy

    yield make
    for name in names:
        registry.unregister(name)


@pytest.fixture
def redis_cache(redis_server: RedisUnderTest, settings: Any) -> RedisUnderTest:
    """A running Redis that the platform and CACHES["default"] use."""
    use_redis(settings, redis_server.url)
    return redis_server


def use_redis(settings: Any, url: str, *, state: str | None = None) -> None:
    """Point the platform at the Redis at `url`, its limits and budgets at the one at `state`."""
    locations = {"default": url} | ({"state": state} if state else {})
    settings.CACHES = {
        alias: {"BACKEND": "cache_platform.backend.RedisCache", "LOCATION": location, "KEY_PREFIX": "site"}
        for alias, location in locations.items()
    }
    alias = "state" if state else None
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "STORE": "redis", "STATE_ALIAS": alias}
