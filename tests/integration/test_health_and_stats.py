"""What operators and staff see: health, readiness, statistics."""

from __future__ import annotations

import threading
from typing import Any
from unittest import mock

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError

from accounts.demo import create_demo_users
from cache_platform import health
from cache_platform.statistics import counters
from tests.integration.http_load import at_once, get
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.site import PASSWORD
from tests.services.waiting import wait_until

BERLIN = {"lat": "52.52", "lon": "13.41"}


def sign_in(client: httpx.Client, username: str) -> None:
    """Through the admin's own form."""
    token = client.get("/admin/login/").cookies["csrftoken"]
    form = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert client.post("/admin/login/", data=form).status_code == 302


def demo_user(username: str) -> Any:
    """A demo account; made again if a test with transactions of its own has emptied the database."""
    create_demo_users(get_user_model())
    return get_user_model().objects.get(username=username)


def pattern(body: Any, name: str) -> Any:
    """A policy's row."""
    return next(row for row in body["patterns"] if row["name"] == name)


def test_statistics_are_exact_over_all_processes(site: SiteFactory, redis_server: RedisUnderTest) -> None:
    """Known traffic over two web processes, one of them killed by nobody: the sums agree to the unit."""
    running = site(workers=2)
    sign_in(running.client, "admin")
    answers = at_once(running.url, 40, "/api/weather/current", **BERLIN)
    answers += [get(running.client, "/api/weather/current", **BERLIN) for _ in range(60)]
    answers += [get(running.client, "/api/news") for _ in range(10)]
    hits = sum(answer.cached for answer in answers[:100])

    def row() -> Any:
        return pattern(running.client.get("/api/cache/stats?window=5m").json(), "weather.current")

    wait_until(lambda: row()["hits"] + row()["misses"] >= 100, what="all processes have added theirs")
    found = row()
    assert (found["hits"], found["misses"]) == (hits, 100 - hits)
    assert found["hitRate"] == f"{hits:.1f}%"
    assert found["loads"] == 1
    assert found["collapsed"] == sum("collapsed" in answer.cache_status for answer in answers[:100])
    assert found["local_hits"] == sum("detail=local" in answer.cache_status for answer in answers[:100])
    body = running.client.get("/api/admin/cache-stats?window=5m").json()
    assert body["performance"]["hits"] + body["performance"]["misses"] >= 110
    assert pattern(body, "weather.current")["count"] == 1
    assert body["redis"]["connected"] is True


def test_counters_are_kept_when_a_process_ends_normally(site: SiteFactory, redis_cache: RedisUnderTest) -> None:
    """What a process counted in its last moments is added before it is gone."""
    from cache_platform.statistics import read_window

    running = site(workers=2)
    for _ in range(20):
        get(running.client, "/api/weather/current", **BERLIN)
    running.stop()
    counts = read_window("5m")["weather.current"]
    assert counts.get("hits", 0) + counts["misses"] == 20


def test_statistics_are_for_staff(shared_site: SiteFactory) -> None:
    """401 for strangers, 403 for others, never a number."""
    client = shared_site(workers=1).client
    assert client.get("/api/cache/stats").status_code == 401
    sign_in(client, "admin")
    assert client.get("/api/cache/stats?window=2m").status_code == 400
    assert client.get("/api/cache/stats").headers["cache-control"] == "no-store"


@pytest.mark.django_db
def test_a_user_who_is_not_staff_gets_403(client: Any) -> None:
    """A problem, as everywhere."""
    client.force_login(demo_user("ada"))
    response = client.get("/api/cache/stats")
    assert response.status_code == 403
    assert response["content-type"] == "application/problem+json"


@pytest.mark.django_db
def test_statistics_say_what_they_cannot_know(client: Any, redis_cache: RedisUnderTest) -> None:
    """Redis away: 200, no numbers, and why."""
    client.force_login(demo_user("admin"))
    redis_cache.kill()
    body = client.get("/api/cache/stats").json()
    assert body["performance"] is None
    assert body["redis"]["connected"] is False


def told_of_services(client: Any) -> set[str]:
    """What is told of any of them."""
    return set().union(*client.get("/health").json()["services"].values())


@pytest.mark.django_db(transaction=True)
def test_health_tells_hosts_and_errors_to_staff_only(client: Any, redis_cache: RedisUnderTest) -> None:
    """A stranger learns the state, staff also why and how much is asked."""
    assert told_of_services(client) == {"status"}
    client.force_login(demo_user("admin"))
    assert told_of_services(client) == {"status", "loads", "errors"}
    client.logout()
    redis_cache.kill()
    stranger = client.get("/health").json()
    assert stranger["status"] == "degraded"
    assert "error" not in str(stranger)
    assert str(redis_cache.socket) not in str(stranger)
    client.force_login(demo_user("admin"))
    assert client.get("/health").json()["redis"]["error"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_unhealthy(client: Any) -> None:
    """503, also for readiness; the process itself is still alive."""
    with mock.patch.object(health, "connection") as connection:
        connection.cursor.side_effect = OperationalError("gone")
        assert client.get("/health").status_code == 503
        assert client.get("/health").json()["status"] == "unhealthy"
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200
    wait_until(lambda: client.get("/health/ready").status_code == 200, what="ready again")


def test_many_who_ask_at_once_get_the_same_answer(shared_site: SiteFactory) -> None:
    """A load balancer, a supervisor and a person: nobody is told "unhealthy" because somebody else is asking."""
    url = shared_site(workers=1).url
    assert {answer.status for answer in at_once(url, 30, "/health")} == {200}
    assert {answer.status for answer in at_once(url, 30, "/health/ready")} == {200}


def test_a_database_that_hangs_costs_a_bounded_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """One query is under way however many ask, and each is told in time."""
    release = threading.Event()
    queries = []

    def hang(_sql: str) -> None:
        queries.append(1)
        release.wait(20)

    monkeypatch.setattr(health, "DATABASE_PATIENCE", 0.05)
    with mock.patch.object(health, "connection") as connection:
        connection.cursor.return_value.__enter__.return_value.execute = hang
        probe = health.DatabaseProbe()
        answers = [probe.ask() for _ in range(3)]
        release.set()
    assert [answer.up for answer in answers] == [False] * 3
    assert len(queries) == 1


def test_a_failing_service_shows_in_health(settings: Any, declare: Any, client: Any) -> None:
    """More errors than loads in the last minutes: degraded. A source that is left alone is not well either."""
    policy = declare(name="test.service", params={"id": int})
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "SERVICES": {"thing": ["test.service"]}, "HEARTBEATS": {}}
    assert health.services() == {"thing": {"status": "unknown", "loads": 0, "errors": 0}}
    counters.add(policy.name, {"load_errors": 3, "loads": 1})
    from cache_platform import flush_policy

    flush_policy("service.health")
    assert health.services()["thing"]["status"] == "failing"
    counters.add(policy.name, {"loads": 5})
    flush_policy("service.health")
    assert health.services()["thing"]["status"] == "ok"
    counters.add(policy.name, {"left_alone": 4})
    flush_policy("service.health")
    assert health.services()["thing"] == {"status": "failing", "loads": 6, "errors": 3}


def test_windows_are_checked_before_anything_is_read() -> None:
    """An unknown window names those that there are."""
    from cache_platform import InvalidQuery
    from cache_platform.statistics import read_window

    with pytest.raises(InvalidQuery, match="5m, 1h, 6h, 24h, 7d"):
        read_window("1y")
