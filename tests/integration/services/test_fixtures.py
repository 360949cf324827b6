"""The servers that tests use do what tests rely on."""

from __future__ import annotations

import os
import signal

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services.fixtures import SiteFactory
from tests.services.launcher import is_alive
from tests.services.postgres import PostgresUnderTest
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
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


def test_the_sandbox_starts_each_test_without_calls(sandbox: SandboxUnderTest) -> None:
    """The counts are there, and 0."""
    assert set(sandbox.calls().values()) <= {0}


def test_a_killed_web_worker_is_replaced_and_a_killed_main_process_takes_its_workers_along(site: SiteFactory) -> None:
    """The web server goes on after `kill -9` of a worker; after that of its main process nothing goes on serving."""
    running = site(workers=2)
    first, second = running.worker_pids()
    running.kill_worker(first)
    wait_until(lambda: len(set(running.worker_pids()) - {first}) == 2, what="the worker has been replaced")
    assert running.client.get("/health/live").status_code == 200

    workers = running.worker_pids()
    assert second in workers
    os.kill(running.pid, signal.SIGKILL)
    wait_until(lambda: not any(is_alive(pid) for pid in workers), what="the workers are gone")
