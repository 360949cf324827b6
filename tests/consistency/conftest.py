"""Databases in which transactions really commit, for the schedules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections

from cache_platform import tags_of
from cache_platform.invalidation import forget
from tests.services.databases import added_database
from tests.services.site import copy_database


@pytest.fixture(scope="session")
def quick_sqlite_alias(
    migrated_database: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[str]:
    """A SQLite file with the site's tables, under an alias of `connections`; a COMMIT does not wait for the disk."""
    path = tmp_path_factory.mktemp("quick") / "site.sqlite3"
    copy_database(migrated_database, path)
    options = {"transaction_mode": "IMMEDIATE", "timeout": 5, "init_command": "PRAGMA synchronous=OFF"}
    with django_db_blocker.unblock(), added_database("quick", f"sqlite:///{path}", **options) as alias:
        yield alias


@pytest.fixture(
    params=["postgres_alias", pytest.param("quick_sqlite_alias", marks=pytest.mark.long)], ids=["postgres", "sqlite"]
)
def database(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[str]:
    """A database without groups, by its alias."""
    alias = request.getfixturevalue(request.param)
    with django_db_blocker.unblock():
        Group.objects.using(alias).all().delete()
        yield alias
        Group.objects.using(alias).all().delete()
        connections[alias].close()


@pytest.fixture
def tagged() -> Iterator[Callable[..., None]]:
    """`tagged("tag:{field}")` declares tags of groups for this test alone."""
    declared: list[tuple[str, ...]] = []

    def declare(*templates: str) -> None:
        tags_of(Group, *templates)
        declared.append(templates)

    yield declare
    for templates in declared:
        forget(Group, *templates)
