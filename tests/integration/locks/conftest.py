"""Processes that share a Redis, which tests may hurt, and a database with something to count in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.integration.locks.actors import Actor, ActorFactory
from tests.services.redis import RedisUnderTest
from tests.services.site import base_environment

Ask = Callable[[str], Any]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisUnderTest]:
    """A Redis of this test's own."""
    with RedisUnderTest(tmp_path / "redis") as server:
        yield server
        if server.is_running:
            server.resume()


@pytest.fixture(params=["postgresql"])
def database(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[str]:
    """The alias of a database with a table to count in."""
    alias: str = request.getfixturevalue({"postgresql": "postgres_alias", "sqlite": "sqlite_alias"}[request.param])
    with django_db_blocker.unblock(), connections[alias].cursor() as cursor:
        cursor.execute("CREATE TABLE lock_counter (value bigint NOT NULL, text varchar(100) NOT NULL)")
        cursor.execute("INSERT INTO lock_counter VALUES (0, '')")
        yield alias
        cursor.execute("DROP TABLE lock_counter")
        cursor.execute("DELETE FROM cache_platform_lock_fence")
        if connections[alias].vendor == "sqlite":
            cursor.execute("DELETE FROM cache_platform_lock")  # of processes that were killed
    connections[alias].close()


@pytest.fixture
def ask(database: str) -> Ask:
    """The first column of the first row."""

    def first(statement: str) -> Any:
        with connections[database].cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]

    return first


@pytest.fixture
def environment(tmp_path: Path, redis: RedisUnderTest, database: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """What all processes of a test have in common."""
    settings = connections[database].settings_dict
    if connections[database].vendor == "sqlite":
        url = f"sqlite:///{settings['NAME']}"
    else:
        url = request.getfixturevalue("postgres_url")
    return base_environment(tmp_path, REDIS_URL=redis.url, DATABASE_URL=url)


@pytest.fixture
def actors(environment: dict[str, str]) -> Iterator[ActorFactory]:
    """Start processes: `actors(2)`, `actors(1, REDIS_URL=…)`."""
    with ExitStack() as stack:

        def start(number: int, **variables: str) -> list[Actor]:
            started = [Actor({**environment, **variables}).start() for _ in range(number)]
            for actor in started:
                stack.callback(actor.end)
            return [actor.ready() for actor in started]

        yield start
