"""GET /metrics: who may read it, and what it says while servers are away."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.integration.accounts.credentials import empty_redis, make_key, new_user, sign_in
from tests.services.exposition import sample, samples_of
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

TOKEN = "a-token-for-prometheus-0123"


@pytest.fixture(autouse=True)
def token(settings: Any) -> None:
    """METRICS_TOKEN is set."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "METRICS_TOKEN": TOKEN}


def read(client: Client, authorization: str | None = None, **headers: str) -> Any:
    """GET, with that Authorization."""
    given = {"Authorization": authorization} if authorization is not None else {}
    return client.get("/metrics", headers={**given, **headers})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_lets_in(client: Client, scheme: str) -> None:
    """As Prometheus sends it; whatever it accepts, it gets the one form there is."""
    for accept in ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", "text/plain", "*/*"):
        answer = read(client, f"{scheme} {TOKEN}", Accept=accept)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer["Cache-Control"] == "no-store"
        assert sample(samples_of(answer.text), "up", server="redis") == 1


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xe9", f"Basic {TOKEN}", TOKEN],
)
def test_others_are_refused(client: Client, authorization: str | None) -> None:
    """401 with a challenge, and never a number."""
    answer = read(client, authorization)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer["Content-Type"] == "application/problem+json"


def test_without_a_token_in_the_settings_none_is_good(client: Client, settings: Any) -> None:
    """An empty one neither."""
    for nothing in (None, ""):
        settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "METRICS_TOKEN": nothing}
        assert read(client, "Bearer ").status_code == 401
        assert read(client, f"Bearer {TOKEN}").status_code == 401


def test_staff_may_read_them_and_users_may_not(client: Client) -> None:
    """By whatever they sign in with."""
    staff, user = sign_in(client, new_user(is_staff=True)), sign_in(client)
    assert client.get("/metrics", headers=staff.bearer).status_code == 200
    assert client.get("/metrics", headers={"X-API-Key": make_key(client, staff)["key"]}).status_code == 200
    assert client.get("/metrics", headers=user.bearer).status_code == 403
    browser = Client()
    browser.force_login(staff.user)
    assert browser.get("/metrics").status_code == 200


def test_the_token_opens_nothing_else(client: Client) -> None:
    """It is for metrics alone."""
    for path in ("/api/cache/stats", "/api/profile"):
        assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 401


def test_redis_away_is_a_metric(client: Client, empty_redis: RedisUnderTest) -> None:
    """200, since an error would hide what is still known."""
    assert sample(samples_of(read(client, f"Bearer {TOKEN}").text), "breaker_open", server="redis") == 0
    empty_redis.pause()
    answer = read(client, f"Bearer {TOKEN}")
    assert answer.status_code == 200
    found = samples_of(answer.text)
    assert sample(found, "up", server="redis") == 0
    assert sample(found, "breaker_open", server="redis") == 1
    assert not [name for name, _ in found if "reads" in name]


def test_a_state_server_is_shown_beside(
    client: Client, settings: Any, redis_server: RedisUnderTest, state_redis: RedisUnderTest
) -> None:
    """Each server with a label of its own."""
    from tests.conftest import use_redis

    use_redis(settings, redis_server.url, state=state_redis.url)
    found = samples_of(read(client, f"Bearer {TOKEN}").text)
    for server in ("redis", "state"):
        assert sample(found, "up", server=server) == 1
        assert (sample(found, "redis_memory_bytes", server=server) or 0) > 0
        assert (sample(found, "redis_clients", server=server) or 0) > 0
