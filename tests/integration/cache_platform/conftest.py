"""Each test of the read path runs on the in-memory store and on a real Valkey."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cache_platform import tags_of
from cache_platform.invalidation import forget
from cache_platform.stores import get_store
from cache_platform.stores.base import Store
from tests.services.databases import empty_tables


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


@pytest.fixture(params=["postgres", "lite"])
def database(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[str]:
    """A database in which transactions really commit, without groups, by its alias."""
    alias = request.getfixturevalue(f"{request.param}_alias" if request.param == "postgres" else "sqlite_alias")
    with django_db_blocker.unblock():
        empty_tables(alias)
        yield alias
        empty_tables(alias)


@pytest.fixture
def tagged() -> Iterator[Callable[..., None]]:
    """`tagged(model, "tag:{field}")` declares tags for this test alone."""
    declared: list[tuple[Any, tuple[str, ...]]] = []

    def declare(model: Any, *templates: str, ignoring: tuple[str, ...] = ()) -> None:
        tags_of(model, *templates, ignoring=ignoring)
        declared.append((model, templates))

    yield declare
    for model, templates in declared:
        forget(model, *templates)
