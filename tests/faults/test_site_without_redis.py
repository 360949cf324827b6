"""The running site while its Redis hangs, dies or is full."""

from __future__ import annotations

import httpx

from tests.integration.http_load import Answer, get, steady_load
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.waiting import wait_until

BERLIN = {"lat": "52.52", "lon": "13.41"}


def berlin(client: httpx.Client) -> Answer:
    """The read under load."""
    return get(client, "/api/weather/current", **BERLIN)


def health(client: httpx.Client) -> str:
    """The site's own word, which must come with 200 while Redis alone is away."""
    response = client.get("/health")
    assert response.status_code == 200
    return str(response.json()["status"])


def back_to_hits(client: httpx.Client) -> bool:
    """Whether the answer comes from Redis again."""
    answer = berlin(client)
    return answer.cached and "memory" not in answer.cache_status


def test_a_hung_redis_under_load(site: SiteFactory, redis_server: RedisUnderTest, sandbox: SandboxUnderTest) -> None:
    """kill -STOP: no 5xx, the provider is asked at most once per process, health is degraded; then back to hits."""
    running = site(workers=2)
    berlin(running.client)
    with steady_load(running.url, 8, berlin) as answers:
        wait_until(lambda: len(answers) > 50, what="some load")
        redis_server.pause()
        paused_at = len(answers)
        wait_until(lambda: health(running.client) == "degraded", what="health says degraded")
        wait_until(lambda: len(answers) > paused_at + 200, what="load goes on without Redis")
        redis_server.resume()
        wait_until(lambda: health(running.client) == "healthy", what="health says healthy", timeout=5)
        wait_until(lambda: back_to_hits(running.client), what="hits again", timeout=5)
    assert {answer.status for answer in answers} == {200}
    assert sandbox.calls()["weather"] <= 1 + running.workers


def test_a_killed_redis_that_restarts_empty(site: SiteFactory, redis_server: RedisUnderTest) -> None:
    """kill -9 and a restart without data: the same."""
    running = site(workers=2)
    berlin(running.client)
    with steady_load(running.url, 8, berlin) as answers:
        redis_server.kill()
        wait_until(lambda: health(running.client) == "degraded", what="health says degraded")
        redis_server.restart_empty()
        wait_until(lambda: health(running.client) == "healthy", what="health says healthy", timeout=5)
        wait_until(lambda: back_to_hits(running.client), what="hits again", timeout=5)
    assert {answer.status for answer in answers} == {200}


def test_a_full_redis(site: SiteFactory, redis_server: RedisUnderTest, sandbox: SandboxUnderTest) -> None:
    """maxmemory reached with noeviction: nothing is stored, nothing fails, the provider is not asked every time."""
    running = site(workers=1)
    with redis_server.client() as raw:
        redis_server.limit_memory(str(raw.info("memory")["used_memory"]))
    answers = [berlin(running.client) for _ in range(20)]
    assert {answer.status for answer in answers} == {200}
    assert "stored" not in answers[0].cache_status
    assert sandbox.calls()["weather"] <= 2
    assert health(running.client) == "healthy"


def test_the_site_starts_without_redis(site: SiteFactory, redis_server: RedisUnderTest) -> None:
    """A web process that starts while Redis is down serves, and uses Redis once it is there."""
    redis_server.kill()
    running = site(workers=1)
    assert berlin(running.client).status == 200
    redis_server.start()
    wait_until(lambda: health(running.client) == "healthy", what="health says healthy")
    wait_until(lambda: back_to_hits(running.client), what="hits from Redis")
