"""Two servers, one of them hung, gone or a replica: what the other one is for goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cache_platform import BudgetExceeded, get_or_load, read
from cache_platform.conf import conf
from cache_platform.policies import Budget
from cache_platform.ratelimits import RateLimiter
from cache_platform.stores import get_state_store, get_store
from cache_platform.stores.connection import get_breaker, get_client
from tests.conftest import use_redis
from tests.integration.cache_platform.conftest import strict
from tests.integration.cache_platform.test_read_path import never
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

__all__ = ["strict"]

Hurt = Callable[[RedisUnderTest], None]


@pytest.fixture
def servers(tmp_path: Path, settings: Any) -> Iterator[tuple[RedisUnderTest, RedisUnderTest]]:
    """The server for entries and the one for state, both of this test's own; each process has half of a limit."""
    with RedisUnderTest(tmp_path / "entries") as entries, RedisUnderTest(tmp_path / "state") as state:
        use_redis(settings, entries.url, state=state.url)
        settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "WEB_PROCESSES": 2}
        yield entries, state
        for server in (entries, state):
            if server.is_running:
                server.resume()
        for alias in ("default", "state"):
            get_breaker(alias).reset()
            get_client(alias).connection_pool.disconnect()


def pause(server: RedisUnderTest) -> None:
    """It accepts connections and never answers."""
    server.pause()


def kill(server: RedisUnderTest) -> None:
    """It is gone."""
    server.kill()


def demote(server: RedisUnderTest) -> None:
    """It is a replica, which may not be written to."""
    with server.client() as client:
        client.replicaof("127.0.0.1", "1")


def promote(server: RedisUnderTest) -> None:
    """It is a primary again."""
    with server.client() as client:
        client.replicaof("NO", "ONE")


def decided(limiter: RateLimiter, key: str, times: int) -> list[tuple[bool, bool]]:
    """Of each request, whether it was admitted, and whether the server decided."""
    decisions = [limiter.check(key, 4, 600) for _ in range(times)]
    return [(each.allowed, each.enforced) for each in decisions]


def closed(alias: str) -> Callable[[], bool]:
    """Whether the breaker of the alias is closed."""
    return lambda: not get_breaker(alias).is_open


@pytest.mark.parametrize(
    ("hurt", "heal", "kept"),
    [
        (pause, RedisUnderTest.resume, True),
        (kill, RedisUnderTest.start, False),
        (demote, promote, True),
    ],
)
def test_without_the_server_for_state(
    servers: tuple[RedisUnderTest, RedisUnderTest], strict: Any, hurt: Hurt, heal: Hurt, kept: bool
) -> None:
    """Limits by this process's share, reads untouched; back, its logs count again."""
    state, limiter = servers[1], RateLimiter()
    get_or_load(strict, {"id": 1}, lambda id: {"n": id})
    assert decided(limiter, "ada", 5) == [*[(True, True)] * 4, (False, True)]
    hurt(state)
    assert decided(limiter, "grace", 4) == [(True, False), (True, False), (False, False), (False, False)]
    assert get_breaker("state").is_open
    assert not get_breaker("default").is_open
    assert read(strict, {"id": 1}, never).cache_status.startswith("CachePlatform; hit; ttl=")
    assert read(strict, {"id": 2}, lambda id: {"n": id}).stored
    heal(state)
    wait_until(closed("state"), what="the breaker closes")
    assert decided(limiter, "ada", 1) == [(not kept, True)]
    assert decided(limiter, "hopper", 5) == [*[(True, True)] * 4, (False, True)]


def test_without_the_server_for_state_budgets_are_this_processs_own(
    servers: tuple[RedisUnderTest, RedisUnderTest], declare: Any
) -> None:
    """Loads go on, within this process's share of the budget, and are stored."""
    budget = Budget(limit=2 * conf.web_processes, window=600, per="policy")
    policy = declare(name="test.budget", params={"id": int}, budgets=(budget,))
    servers[1].kill()
    assert [read(policy, {"id": number}, lambda id: {"n": id}).stored for number in range(2)] == [True, True]
    with pytest.raises(BudgetExceeded):
        read(policy, {"id": 2}, lambda id: {"n": id})
    assert read(policy, {"id": 1}, never).cached


@pytest.mark.parametrize("hurt", [pause, kill, demote])
def test_without_the_server_for_entries_limits_stay_exact(
    servers: tuple[RedisUnderTest, RedisUnderTest], strict: Any, hurt: Hurt
) -> None:
    """All of the limit, by the server's word, while reads load."""
    entries, limiter = servers[0], RateLimiter()
    assert decided(limiter, "ada", 2) == [(True, True)] * 2
    hurt(entries)
    assert read(strict, {"id": 1}, lambda id: {"n": id}).cache_status == "CachePlatform; fwd=bypass; detail=no-store"
    assert decided(limiter, "ada", 3) == [(True, True), (True, True), (False, True)]
    assert (get_breaker("default").is_open, get_breaker("state").is_open) == (True, False)


def test_a_full_server_for_state_decides_exactly(servers: tuple[RedisUnderTest, RedisUnderTest]) -> None:
    """A log is written beyond its maxmemory, as it must be, where other writes are refused."""
    state, limiter = servers[1], RateLimiter()
    with state.client() as client:
        state.limit_memory(str(client.info("memory")["used_memory"] // 2))
        with pytest.raises(Exception, match="maxmemory"):
            client.lpush("celery", "task")
    assert decided(limiter, "ada", 5) == [*[(True, True)] * 4, (False, True)]
    assert not get_breaker("state").is_open


@pytest.mark.django_db(transaction=True)
def test_health_and_statistics_tell_of_both(servers: tuple[RedisUnderTest, RedisUnderTest], admin_client: Any) -> None:
    """The one that is away is told of, the site is degraded and serves."""
    state = servers[1]
    body = admin_client.get("/health").json()
    assert (body["status"], body["redis"]["connected"], body["state"]["connected"]) == ("healthy", True, True)
    stats = admin_client.get("/api/cache/stats").json()
    assert stats["state"]["maxmemory_policy"] == stats["redis"]["maxmemory_policy"] == "noeviction"
    assert stats["state"]["breaker"] == "closed"
    state.kill()
    response = admin_client.get("/health")
    body = response.json()
    assert (response.status_code, body["status"], body["redis"]["status"]) == (200, "degraded", "healthy")
    assert body["state"]["status"] == "unavailable"
    assert body["state"]["error"]
    stats = admin_client.get("/api/cache/stats").json()
    assert stats["performance"] is not None
    assert stats["state"] == {"status": "unavailable", "connected": False, "breaker": "open"}
    assert stats["redis"]["connected"] is True


@pytest.mark.django_db(transaction=True)
def test_a_stranger_learns_the_state_of_both_and_no_more(
    servers: tuple[RedisUnderTest, RedisUnderTest], client: Any
) -> None:
    """Not where it is, nor why it is away."""
    servers[1].kill()
    body = client.get("/health").json()
    assert body["state"] == {"status": "unavailable", "connected": False}
    assert body["redis"] == {"status": "healthy", "connected": True}
    assert str(servers[1].socket) not in str(body)


@pytest.mark.django_db(transaction=True)
def test_one_server_is_told_of_once(frail_redis: RedisUnderTest, admin_client: Any) -> None:
    """As it was."""
    assert get_state_store() is get_store()
    assert "state" not in admin_client.get("/health").json()
    assert "state" not in admin_client.get("/api/cache/stats").json()
