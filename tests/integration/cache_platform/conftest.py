"""Each test of the read path runs on the in-memory store and on a real Valkey."""

from __future__ import annotations

from typing import Any

import pytest

from cache_platform.stores import get_store
from cache_platform.stores.base import Store


@pytest.fixture(params=["memory", "valkey"])
def store(request: pytest.FixtureRequest) -> Store:
    """The store that the platform uses in this test."""
    if request.param == "valkey":
        request.getfixturevalue("redis_cache")
    return get_store()


@pytest.fixture
def relaxed(declare: Any) -> Any:
    """A relaxed, public policy that keeps stale entries."""
    return declare(
        name="test.relaxed",
        params={"id": int},
        consistency="relaxed",
        audience="public",
        stale_for=3600,
        tags=("t:{id}",),
    )


@pytest.fixture
def strict(declare: Any) -> Any:
    """A strict policy."""
    return declare(name="test.strict", params={"id": int}, tags=("user:{id}",))
