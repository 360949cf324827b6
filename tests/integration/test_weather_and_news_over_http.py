"""The site's main job on real HTTP traffic, with two web processes, a real Redis and the sandbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.http_load import Answer, at_once, get
from tests.services.fixtures import SiteFactory
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import SiteUnderTest
from tests.services.waiting import wait_until

BERLIN = {"lat": "52.52", "lon": "13.41"}
ROME = {"lat": "41.89", "lon": "12.48"}
FAULTS = ["error", "slow", "timeout", "malformed", "rate_limited", "huge"]


@pytest.fixture(scope="module")
def running(shared_site: SiteFactory) -> SiteUnderTest:
    """One site of two processes; each test asks for places and categories of its own."""
    return shared_site(TRUSTED_PROXIES="1")


@pytest.fixture(scope="module")
def short_lived(shared_site: SiteFactory) -> SiteUnderTest:
    """One site for all faults, whose weather expires after a second; each test asks for a place of its own."""
    return shared_site(workers=1, CACHE_TTL_WEATHER_CURRENT="1")


def test_the_provider_is_asked_once_and_the_cache_says_so(running: SiteUnderTest, sandbox: SandboxUnderTest) -> None:
    """First a load, then hits, on whichever process; the headers are those of RFC 9211 and 9111."""
    client = running.client
    first, second = (get(client, "/api/weather/current", **BERLIN) for _ in range(2))
    assert (first.status, first.cached) == (200, False)
    assert first.cache_status == "CachePlatform; fwd=uri-miss; stored"
    assert second.cached
    assert second.cache_status.startswith("CachePlatform; hit; ttl=")
    assert int(second.headers["age"]) <= 5
    assert second.headers["cache-control"].startswith("public, max-age=")
    assert second.headers["etag"] == first.headers["etag"]
    assert first.body["data"] == second.body["data"]
    assert sandbox.calls()["weather"] == 1


def test_two_hundred_cold_requests_cost_one_call(running: SiteUnderTest, sandbox: SandboxUnderTest) -> None:
    """Over two web processes, for one place: one provider call, 200 good answers."""
    sandbox.fault(service="weather", mode="slow", delay_ms=300)
    answers = at_once(running.url, 200, "/api/weather/current", lat="48.85", lon="2.35")
    assert [answer.status for answer in answers] == [200] * 200
    assert len({str(answer.body["data"]) for answer in answers}) == 1
    assert sandbox.calls()["weather"] == 1


def test_one_entry_serves_all_units_and_days(running: SiteUnderTest, sandbox: SandboxUnderTest) -> None:
    """Units and days are applied after the cache."""
    client = running.client
    metric = get(client, "/api/weather/current", **ROME).body["data"]
    imperial = get(client, "/api/weather/current", **ROME, units="imperial")
    assert imperial.cached
    assert imperial.body["data"]["temperature"] == pytest.approx(metric["temperature"] * 9 / 5 + 32, abs=0.06)
    for days in (1, 7, 16):
        assert len(get(client, "/api/weather/forecast", **ROME, days=days).body["data"]["days"]) == days
    assert sandbox.calls()["weather"] == 2


def test_nearby_coordinates_share_an_entry(running: SiteUnderTest, sandbox: SandboxUnderTest) -> None:
    """Two decimals are a kilometre: near enough to be the same weather."""
    client = running.client
    get(client, "/api/weather/current", lat="47.3701", lon="8.5399")
    assert get(client, "/api/weather/current", lat="47.37", lon="8.54").cached
    assert sandbox.calls()["weather"] == 1


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("/api/weather/current", {"lat": "nan", "lon": "1"}, "lat"),
        ("/api/weather/current", {"lat": "1", "lon": "inf"}, "lon"),
        ("/api/weather/current", {"lat": "91", "lon": "1"}, "lat"),
        ("/api/weather/current", {"lon": "1"}, "lat"),
        ("/api/weather/current", {"lat": "1", "lon": "1", "units": "kelvin"}, "units"),
        ("/api/weather/forecast", {"lat": "1", "lon": "1", "days": "17"}, "days"),
        ("/api/weather/places", {"q": ""}, "q"),
        ("/api/news", {"category": "gossip"}, "category"),
        ("/api/news", {"country": "xx"}, "country"),
        ("/api/news", {"page": "999999999999"}, "page"),
        ("/api/news", {"q": "x" * 5000}, "q"),
        ("/api/news", {"q": "a\0b"}, "q"),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(
    client: Any, path: str, params: dict[str, str], field: str
) -> None:
    """RFC 9457, with the field and what is allowed."""
    response = client.get(path, params)
    assert response.status_code == 400
    assert response["content-type"] == "application/problem+json"
    problem = response.json()
    assert list(problem["errors"]) == [field]
    assert problem["status"] == 400


def test_news_are_cached_cleaned_and_linked_safely(running: SiteUnderTest, sandbox: SandboxUnderTest) -> None:
    """Only http(s) links, plain text, no images; the second page is another entry."""
    client = running.client
    first = get(client, "/api/news", category="science")
    assert get(client, "/api/news", category="science").cached
    items = first.body["data"]["items"]
    assert items
    assert all(item["url"].startswith(("http://", "https://")) for item in items)
    assert not any("<" in item["title"] or "image" in str(item.keys()).lower() for item in items)
    assert not get(client, "/api/news", category="science", page=2).cached
    assert sandbox.calls()["news"] == 2


def test_a_client_that_has_the_data_gets_304(running: SiteUnderTest) -> None:
    """The ETag covers the data alone, so it matches whether the answer was cached or not."""
    client = running.client
    etag = get(client, "/api/news").headers["etag"]
    assert etag.startswith('W/"')
    response = client.get("/api/news", headers={"If-None-Match": etag})
    assert response.status_code == 304
    assert response.content == b""
    assert "cache-status" in response.headers


def test_a_clients_no_cache_forces_no_load(running: SiteUnderTest, sandbox: SandboxUnderTest) -> None:
    """A stranger cannot make us ask the provider."""
    client = running.client
    oslo = {"lat": "59.91", "lon": "10.75"}
    get(client, "/api/weather/current", **oslo)
    response = client.get(
        "/api/weather/current", params=oslo, headers={"Cache-Control": "no-cache", "Pragma": "no-cache"}
    )
    assert response.json()["cached"] is True
    assert sandbox.calls()["weather"] == 1


@pytest.mark.parametrize(("mode", "lat"), [(mode, f"{number}.5") for number, mode in enumerate(FAULTS)])
def test_a_failing_provider_means_stale_data_marked_so(
    short_lived: SiteUnderTest, sandbox: SandboxUnderTest, mode: str, lat: str
) -> None:
    """After a good answer has expired: the last good data, at most one probe per back-off, never a 500."""
    answers: list[Answer] = []

    def ask() -> Answer:
        answers.append(get(short_lived.client, "/api/weather/current", lat=lat, lon="13.41"))
        return answers[-1]

    wait_until(lambda: ask().status == 200, what="a good answer, once the fault before this one is forgotten")
    good, answers = answers[-1], []
    sandbox.fault(service="weather", mode=mode, delay_ms=5000)
    wait_until(lambda: "detail=provider" in ask().cache_status, what="a stale answer")
    before = sandbox.calls()["weather"]
    more = [ask() for _ in range(20)]
    assert {answer.status for answer in answers} == {200}
    assert all(answer.body["data"] == good.body["data"] for answer in more)
    assert all(answer.cached for answer in more)
    assert all("; ttl=-" in answer.cache_status for answer in more)
    assert sandbox.calls()["weather"] - before <= 1


@pytest.mark.parametrize(("mode", "lat"), [(mode, f"-{number}.5") for number, mode in enumerate(FAULTS, 1)])
def test_a_failing_provider_without_earlier_data_is_a_503(
    short_lived: SiteUnderTest, sandbox: SandboxUnderTest, mode: str, lat: str
) -> None:
    """A problem with Retry-After; the next request is told so without asking the provider again."""
    client = short_lived.client
    wait_until(
        lambda: get(client, "/api/weather/current", lat="80", lon=lat).status == 200, what="the provider is well"
    )
    sandbox.reset()
    sandbox.fault(service="weather", mode=mode, delay_ms=5000)
    first, second = (get(client, "/api/weather/current", lat=lat, lon="13.41") for _ in range(2))
    for answer in (first, second):
        assert answer.status == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
    assert sandbox.calls()["weather"] == 1


def test_random_places_cannot_use_up_the_quota(running: SiteUnderTest, sandbox: SandboxUnderTest) -> None:
    """One caller's misses are limited; its hits are not."""
    with httpx.Client(
        base_url=running.url,
        headers={"X-Forwarded-For": "198.51.100.7"},  # nobody else's, so that its misses are all its own
        trust_env=False,
        verify=False,
    ) as client:
        statuses = [get(client, "/api/weather/current", lat=f"{n / 10}", lon="1").status for n in range(130)]
        assert statuses[:120] == [200] * 120
        refused = get(client, "/api/weather/current", lat="80", lon="1")
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert get(client, "/api/weather/current", lat="1", lon="1").cached
    assert sandbox.calls()["weather"] == 120


def test_an_unknown_address_is_a_problem_under_api(client: Any) -> None:
    """JSON for programs, a page for people."""
    assert client.get("/api/nothing")["content-type"] == "application/problem+json"
