"""Counting calls, and going wrong on purpose."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.sandbox.conftest import running

WEATHER = "/v1/forecast?latitude=52.52&longitude=13.41&current=temperature_2m"
NEWSAPI = "/v2/top-headlines?country=us&apiKey=demo"
GNEWS = "/api/v4/top-headlines?apikey=demo"
STORIES = "/v0/topstories.json"
JSON = {"Content-Type": "application/json"}
PROVIDERS = [("weather", WEATHER), ("news", NEWSAPI), ("news", GNEWS), ("news", STORIES)]


def set_fault(client: httpx.Client, service: str, mode: str, **more: float) -> None:
    """Set a fault."""
    client.post("/_control/faults", json={"service": service, "mode": mode, **more}).raise_for_status()


def test_calls_are_counted_by_service_until_a_reset(client):
    """All three news providers count alike; items do not, control does not."""
    for _, path in PROVIDERS:
        client.get(path)
    client.get("/v0/item/1.json")
    client.get("/v1/forecast?latitude=95")
    expected = {"weather": 2, "news": 3, "oauth": 0, "platform": 0, "chat": 0}
    assert client.get("/_control/calls").json() == expected
    client.post("/_control/reset")
    assert set(client.get("/_control/calls").json().values()) == {0}


@pytest.mark.parametrize(("service", "path"), PROVIDERS)
def test_an_error_is_a_500_in_the_providers_form(client, service, path):
    """The body is JSON, with no traceback."""
    set_fault(client, service, "error")
    response = client.get(path)
    assert response.status_code == 500
    assert isinstance(response.json(), dict)


@pytest.mark.parametrize(
    ("service", "path", "body"),
    [
        (
            "weather",
            WEATHER,
            {"error": True, "reason": "Minutely API request limit exceeded. Please try again in one minute."},
        ),
        ("news", NEWSAPI, {"status": "error", "code": "rateLimited"}),
        ("news", GNEWS, {}),
        ("news", STORIES, {}),
    ],
)
def test_rate_limits_are_told_in_the_providers_form(client, service, path, body):
    """429, and never a Retry-After, as the real ones."""
    set_fault(client, service, "rate_limited")
    response = client.get(path)
    assert response.status_code == 429
    assert "retry-after" not in response.headers
    assert response.json().items() >= body.items()


@pytest.mark.parametrize(("service", "path"), PROVIDERS)
def test_a_malformed_answer_is_half_a_good_one(client, service, path):
    """Status 200 and a body that no parser accepts."""
    set_fault(client, service, "malformed")
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_huge_answer_streams_fifty_megabytes_of_json(client):
    """No Content-Length announces it, and the whole would even parse."""
    set_fault(client, "weather", "huge")
    with client.stream("GET", WEATHER) as response:
        assert response.status_code == 200
        assert "content-length" not in response.headers
        body = response.read()
    assert 50_000_000 <= len(body) < 51_000_000
    assert body.startswith(b'{"latitude":52.52')
    assert body.endswith(b"]}}")


@pytest.mark.parametrize(("service", "path"), PROVIDERS)
def test_the_head_of_every_huge_answer_looks_valid(client, service, path):
    """A reader that stops early has seen nothing wrong, and leaves the sandbox well."""
    set_fault(client, service, "huge")
    with client.stream("GET", path) as response:
        assert next(response.iter_bytes(100))[:1] in b"{["
    assert client.get("/_control/faults").status_code == 200


def test_a_slow_answer_is_good_but_late(client):
    """It takes at least the delay set."""
    set_fault(client, "weather", "slow", delay_ms=300)
    response = client.get(WEATHER)
    assert response.status_code == 200
    assert response.elapsed.total_seconds() >= 0.3


def test_a_timeout_never_answers_and_counts(client):
    """The client gives up; the call was counted on arrival and the sandbox goes on."""
    set_fault(client, "weather", "timeout")
    with pytest.raises(httpx.ReadTimeout):
        client.get(WEATHER, timeout=0.3)
    assert client.get("/_control/calls").json()["weather"] == 1
    set_fault(client, "weather", "off")
    assert client.get(WEATHER).status_code == 200


def test_half_a_rate_hits_every_second_request(client):
    """Good, bad, good, bad."""
    set_fault(client, "news", "error", rate=0.5)
    assert [client.get(NEWSAPI).status_code for _ in range(4)] == [200, 500, 200, 500]


def test_faults_are_shown_and_reset(client):
    """GET tells what is set; a reset takes it away, for all services."""
    set_fault(client, "chat", "slow", delay_ms=50, rate=0.25)
    shown = client.get("/_control/faults").json()
    assert shown["chat"] == {"mode": "slow", "delay_ms": 50, "rate": 0.25}
    assert shown["weather"] == {"mode": "off", "delay_ms": 3000, "rate": 1.0}
    client.post("/_control/reset")
    assert client.get("/_control/faults").json()["chat"]["mode"] == "off"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"not json", "body"),
        (b"\xff", "body"),
        (b"[]", "body"),
        (b'{"service":"mail","mode":"error"}', "service"),
        (b'{"service":"news","mode":"explode"}', "mode"),
        (b'{"service":"news","mode":"error","rate":2}', "rate"),
    ],
)
def test_a_wrong_fault_is_refused_by_field(client, body, field):
    """400, the field's name, and nothing changed."""
    response = client.post("/_control/faults", content=body, headers=JSON)
    assert response.status_code == 400
    assert response.json()["field"] == field
    assert response.json()["error"].startswith(field)
    assert all(fault["mode"] == "off" for fault in client.get("/_control/faults").json().values())


def test_hundreds_of_requests_wait_at_once(client, address):
    """With 300 requests held open all have arrived, and others are answered."""
    set_fault(client, "weather", "timeout")
    where = urlsplit(address)
    with ExitStack() as open_connections:
        for _ in range(300):
            connection = open_connections.enter_context(socket.create_connection((where.hostname, where.port)))
            connection.sendall(f"GET {WEATHER} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        while client.get("/_control/calls").json()["weather"] < 300:
            continue  # bounded by the test's own timeout
        assert client.get(NEWSAPI).status_code == 200


def test_default_delays_are_taken_before_answers():
    """Weather takes half a second, a news list 0.8, and an item a twentieth of that."""
    with running(delays="on") as (_, address), httpx.Client(base_url=address, timeout=60, verify=False) as client:
        assert client.get(WEATHER).elapsed.total_seconds() >= 0.5
        assert client.get(STORIES).elapsed.total_seconds() >= 0.8
        assert client.get("/v0/item/1.json").elapsed.total_seconds() >= 0.04
