"""Fixtures for servers. Each process of pytest-xdist has its own, because they are made per session."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.services.databases import NewDatabase, added_database, with_path
from tests.services.postgres import PostgresUnderTest
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import SiteUnderTest, base_environment, copy_database, migrate


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisUnderTest]:
    """One Redis for the session; tests use `redis_server`, which looks after its state."""
    with RedisUnderTest(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server(shared_redis: RedisUnderTest) -> Iterator[RedisUnderTest]:
    """A running, empty Redis; whatever a test does to it (pause, kill, stop, limit) is undone for the next one."""
    shared_redis.flush()
    yield shared_redis
    if shared_redis.is_running:
        shared_redis.resume()
    else:
        shared_redis.start()


@pytest.fixture(scope="session")
def shared_state_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisUnderTest]:
    """One more Redis for the session; tests use `state_redis`, which looks after its state."""
    with RedisUnderTest(tmp_path_factory.mktemp("state")) as server:
        yield server


@pytest.fixture
def state_redis(shared_state_redis: RedisUnderTest) -> Iterator[RedisUnderTest]:
    """A running, empty Redis for limits and the broker; whatever a test does to it is undone for the next one."""
    shared_state_redis.flush()
    yield shared_state_redis
    if shared_state_redis.is_running:
        shared_state_redis.resume()
    else:
        shared_state_redis.start()


@pytest.fixture(scope="session")
def shared_debian_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisUnderTest]:
    """Debian's redis-server, for tests marked `system`."""
    binary = shutil.which("redis-server")
    assert binary is not None, "apt-get install redis-server"
    with RedisUnderTest(tmp_path_factory.mktemp("debian"), binary=Path(binary)) as server:
        yield server


@pytest.fixture
def debian_redis(shared_debian_redis: RedisUnderTest) -> RedisUnderTest:
    """A running, empty redis-server."""
    shared_debian_redis.flush()
    return shared_debian_redis


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresUnderTest]:
    """One PostgreSQL for the session."""
    with PostgresUnderTest(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[SandboxUnderTest]:
    """One sandbox for the session; tests use `sandbox`, which resets it."""
    with SandboxUnderTest() as server:
        yield server


@pytest.fixture
def sandbox(shared_sandbox: SandboxUnderTest) -> SandboxUnderTest:
    """A sandbox without faults, its counts at 0."""
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the site's tables and demo accounts, to copy from. All processes of pytest-xdist have
    the same one, which the first of them makes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "migrated"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "site.sqlite3"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = folder / "unfinished.sqlite3"
            migrate(base_environment(folder, DATABASE_URL=f"sqlite:///{unfinished}"))
            copy_database(unfinished, folder / "copy.sqlite3")
            (folder / "copy.sqlite3").rename(path)
    return path


@pytest.fixture(scope="session")
def new_database(postgres_server: PostgresUnderTest, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """Make databases in PostgreSQL with the site's tables and demo accounts; each call gives the address of one."""
    template = with_path(postgres_server.url, "template")
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE template")
    migrate(base_environment(tmp_path_factory.mktemp("template"), DATABASE_URL=template))

    def make() -> str:
        name = f"site_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(postgres_server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template".encode())
        return with_path(postgres_server.url, name)

    return make


@pytest.fixture(scope="session")
def postgres_url(new_database: NewDatabase) -> str:
    """The address of the database behind `postgres_alias`."""
    return new_database()


@pytest.fixture(scope="session")
def postgres_alias(postgres_url: str, django_db_blocker: Any) -> Iterator[str]:
    """PostgreSQL with the site's tables and demo accounts, under an alias of `connections`."""
    with django_db_blocker.unblock(), added_database("postgres", postgres_url) as alias:
        yield alias


@pytest.fixture(scope="session")
def sqlite_alias(
    migrated_database: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[str]:
    """A SQLite file with the site's tables, under an alias of `connections`."""
    path = tmp_path_factory.mktemp("lite") / "site.sqlite3"
    copy_database(migrated_database, path)
    with (
        django_db_blocker.unblock(),
        added_database("lite", f"sqlite:///{path}", transaction_mode="IMMEDIATE") as alias,
    ):
        yield alias


SiteFactory = Callable[..., SiteUnderTest]


@pytest.fixture
def site(
    redis_server: RedisUnderTest,
    sandbox: SandboxUnderTest,
    migrated_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SiteFactory]:
    """Start sites: `site(workers=2, **variables)`. They use `redis_server`, `sandbox` and a database of their own.

    A variable set to None is not given to the site. Sites are stopped after the test, the last one first.
    """
    with ExitStack() as stack:

        def start(*, workers: int = 2, **variables: str | None) -> SiteUnderTest:
            folder = tmp_path_factory.mktemp("site")
            copy_database(migrated_database, folder / "site.sqlite3")
            given = {
                "REDIS_URL": redis_server.url,
                "SANDBOX_URL": sandbox.url,
                "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
                **variables,
            }
            kept = {name: value for name, value in given.items() if value is not None}
            return stack.enter_context(SiteUnderTest(base_environment(folder, **kept), workers=workers))

        yield start


@pytest.fixture(scope="module")
def shared_site(
    shared_redis: RedisUnderTest,
    shared_sandbox: SandboxUnderTest,
    migrated_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SiteFactory]:
    """`shared_site(workers=2, **variables)`: as `site`, but those of a module who ask for the same get the same one.

    For tests that break nothing and bring places, accounts and addresses of their own: a site takes seconds to start.
    """
    started: dict[tuple[object, ...], SiteUnderTest] = {}
    with ExitStack() as stack:

        def start(*, workers: int = 2, **variables: str) -> SiteUnderTest:
            asked = (workers, *sorted(variables.items()))
            if asked not in started:
                folder = tmp_path_factory.mktemp("shared-site")
                copy_database(migrated_database, folder / "site.sqlite3")
                given = {
                    "REDIS_URL": shared_redis.url,
                    "SANDBOX_URL": shared_sandbox.url,
                    "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
                    **variables,
                }
                shared_redis.flush()
                started[asked] = stack.enter_context(SiteUnderTest(base_environment(folder, **given), workers=workers))
            return started[asked]

        yield start


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's chromium. For one module: Playwright's event loop would keep the next one's tests from the database."""
    from tests.services.browser import debian_chromium

    with debian_chromium() as browser:
        yield browser
