"""The servers that tests use do what tests rely on."""

from __future__ import annotations

import os
import signal
import socket
import stat
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.services.guard import children
from config.services.ports import free_port
from config.services.postgres import accepts
from config.services.process import Process
from config.services.site import Site
from tests.services.fixtures import SiteFactory
from tests.services.launcher import is_alive
from tests.services.postgres import PostgresUnderTest
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import base_environment, copy_database
from tests.services.waiting import wait_until


def test_redis_can_be_paused_and_resumed(redis_server: RedisUnderTest) -> None:
    """A paused server accepts and does not answer; a resumed one has its data."""
    with redis_server.client() as client:
        client.set("key", "kept")
    redis_server.pause()
    once = Retry(NoBackoff(), 0)
    with redis.Redis(unix_socket_path=str(redis_server.socket), socket_timeout=0.05, retry=once) as hasty:
        with pytest.raises(redis.TimeoutError):
            hasty.get("key")
        redis_server.resume()
    with redis_server.client() as client:
        assert client.get("key") == b"kept"


def test_redis_can_be_killed_and_restarted_empty(redis_server: RedisUnderTest) -> None:
    """The address stays the same, the data is gone."""
    with redis_server.client() as client:
        client.set("key", "lost")
    before = redis_server.pid
    redis_server.restart_empty()
    assert not is_alive(before)
    with redis_server.client() as client:
        assert client.get("key") is None


def test_a_full_redis_refuses_writes(redis_server: RedisUnderTest) -> None:
    """noeviction: an error for the writer, nothing evicted; the next test has the usual memory."""
    redis_server.limit_memory("1mb")
    with redis_server.client() as client:
        with pytest.raises(redis.OutOfMemoryError):
            client.set("key", b"x" * 1_000_000)
        redis_server.flush()
        assert client.set("key", b"x" * 1_000_000)


def test_postgres_lets_the_site_in_and_is_no_superuser(postgres_server: PostgresUnderTest) -> None:
    """The role owns its database and can make others, and that is all."""
    with psycopg.connect(postgres_server.url) as connection:
        connection.execute("CREATE TABLE things (name text)")
        row = connection.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
        encoding = connection.execute("SHOW server_encoding").fetchone()
    assert row == (False, True)
    assert encoding == ("UTF8",)


@pytest.mark.parametrize(
    "change",
    [{"password": ""}, {"password": "a-guess"}, {"user": "postgres"}, {"user": "postgres", "dbname": "postgres"}],
)
def test_postgres_lets_nobody_else_in(postgres_server: PostgresUnderTest, change: dict[str, str]) -> None:
    """The site's role needs its password, and the superuser is let in with none."""
    with pytest.raises(psycopg.OperationalError, match=r"password|pg_hba\.conf"):
        psycopg.connect(postgres_server.url, **change)


def test_what_postgres_writes_is_in_folders_of_ours(postgres_server: PostgresUnderTest) -> None:
    """It may run as nobody: other processes of that account must reach neither the data nor the socket."""
    for path in (postgres_server.data, postgres_server.socket.parent):
        status = path.parent.stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (os.geteuid(), 0o700)


def test_the_probe_of_postgres_leaves_politely(postgres_server: PostgresUnderTest) -> None:
    """It gives no password and goes, and the server logs nothing of that."""
    assert all(accepts(postgres_server.socket) for _ in range(5))
    with psycopg.connect(postgres_server.url) as connection:
        connection.execute("SELECT 1")
    assert not [line for line in postgres_server.log if "SASL" in line or "reset by peer" in line]


def test_the_sandbox_starts_each_test_without_calls(sandbox: SandboxUnderTest) -> None:
    """The counts are there, and 0."""
    assert set(sandbox.calls().values()) <= {0}


def test_a_killed_web_worker_is_replaced_and_a_killed_main_process_takes_its_workers_along(
    migrated_database: Path, tmp_path: Path
) -> None:
    """Under its guard, as the launcher starts it, the web server goes on after `kill -9` of a worker; after that of its
    main process nothing goes on serving."""
    copy_database(migrated_database, tmp_path / "site.sqlite3")
    environment = base_environment(tmp_path, DATABASE_URL=f"sqlite:///{tmp_path / 'site.sqlite3'}")
    service = Site(environment=environment, port=free_port(), workers=2).web()
    with Process(service) as web:
        wait_until(lambda: web.ended or web.is_ready(), what="the site is ready", timeout=60)
        first, second = children(web.program())
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(set(children(web.program())) - {first}) == 2, what="the worker has been replaced")
        assert web.is_ready()

        workers = children(web.program())
        assert second in workers
        os.kill(web.program(), signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in workers), what="the workers are gone")


def test_the_web_server_speaks_no_http_2(site: SiteFactory) -> None:
    """An HTTP/2 client's first bytes (RFC 9113, 3.4) are not answered with HTTP/2's, and the next request is served."""
    running = site(workers=1)
    address = urlsplit(running.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
        answer = connection.recv(100)
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert running.client.get("/health/live").status_code == 200
