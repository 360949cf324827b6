"""Entries that somebody else wrote to Redis: what cannot be true is loaded anew, and no card or answer breaks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.test import Client
from msgspec.structs import replace

from cache_platform import entries
from cache_platform.policies import CachePolicy
from cache_platform.stores import local_copies
from news.policies import HEADLINES
from tests.integration.dashboard.conftest import Providers, Visit
from tests.services.redis import RedisUnderTest
from tests.unit.dashboard.samples import article, day, headlines
from weather.policies import CURRENT, FORECAST
from weather.schema import HourlyForecast

Plant = Callable[..., None]
HOUR = HourlyForecast(
    time=datetime(2025, 9, 8, tzinfo=UTC),
    temperature=1.0,
    precipitation_probability=1,
    precipitation=1.0,
    weather_code=1,
    wind_speed=1.0,
)


@pytest.fixture
def plant(redis_cache: RedisUnderTest, visit: Callable[..., Visit]) -> Plant:
    """`plant(policy, field=value)`: the entries of a policy, whose signature and times stay good, with other values."""
    visit()

    def change(policy: CachePolicy[Any], **values: object) -> None:
        with redis_cache.client() as raw:
            (key,) = (key for key in raw.scan_iter(f"cp:{policy.name}:*") if raw.type(key) == b"string")
            entry = entries.parse(raw.get(key))
            value = replace(entries.decode(policy, entry), **values)
            raw.set(key, entries.Entry(entry.signature, entry.times, "m", msgspec.msgpack.encode(value)).dump())
        local_copies.reset()

    return change


@pytest.mark.parametrize(
    ("policy", "values"),
    [
        (CURRENT, {"utc_offset_seconds": 10**9}),
        (CURRENT, {"temperature": 1e308}),
        (CURRENT, {"wind_speed": float("inf")}),
        (CURRENT, {"pressure": float("nan")}),
        (FORECAST, {"utc_offset_seconds": -(10**9)}),
        (FORECAST, {"days": [day(datetime.now(UTC).date(), temperature_max=1e308)]}),
        (FORECAST, {"days": [day(datetime(2025, 9, 8, tzinfo=UTC).date())] * 17}),
        (FORECAST, {"hours": [HOUR] * 45_000}),
        (FORECAST, {"hours": [replace(HOUR, temperature=-1e308)]}),
    ],
)
def test_planted_weather_is_loaded_anew(
    visit: Callable[..., Visit],
    client: Client,
    providers: Providers,
    plant: Plant,
    policy: CachePolicy[Any],
    values: dict[str, Any],
) -> None:
    """On the page and in the API, which gives what its schema promises."""
    plant(policy, **values)
    page = visit("/?units=imperial")
    assert page.html.rstrip().endswith("</html>")
    assert page.state("weather") in {"fresh", "cached"}
    assert "60°" in page.text("weather")
    assert len(providers.calls) == 4
    plant(policy, **values)
    (lat, lon) = providers.places[0]
    place = {"lat": lat, "lon": lon, "units": "imperial"}
    answer = client.get(f"/api/weather/{policy.name.removeprefix('weather.')}", place)
    assert answer.status_code == 200
    assert answer.json()["data"]["utc_offset_seconds"] == 7200


def test_planted_times_that_no_clock_can_show_break_no_card(visit: Callable[..., Visit], plant: Plant) -> None:
    """They are dates like others, so they are found out only where they are shown."""
    first = datetime.min.replace(tzinfo=UTC)
    today = day(datetime.now(UTC).date() + timedelta(days=1), sunrise=first, sunset=first + timedelta(hours=1))
    plant(FORECAST, utc_offset_seconds=-3600, days=[today])
    page = visit()
    assert (page.state("weather"), page.state("news")) == ("error", "cached")
    assert page.html.rstrip().endswith("</html>")
    assert visit("/cards/weather").response.status_code == 200


def test_planted_links_are_not_shown(visit: Callable[..., Visit], client: Client, plant: Plant) -> None:
    """Neither those of articles nor that of the provider, on the page and in the API."""
    bad = article(title="A trap", url="javascript:alert(1)")
    plant(HEADLINES, articles=[bad, article(title="A good one")], attribution_url="javascript:alert(2)")
    for address in ("/", "/cards/news", "/api/news"):
        found = visit(address)
        assert found.response.status_code == 200
        assert "javascript:" not in found.html
        assert "A trap" not in found.html
        assert "A good one" in found.html
        assert "Powered by NewsAPI.org" in found.html


def test_links_that_a_loader_gave_are_checked_too(visit: Callable[..., Visit], providers: Providers) -> None:
    """The card does not rely on who made its articles."""
    providers.news = headlines([article(url="javascript:alert(1)"), article(title="A good one")])
    page = visit()
    assert "javascript:" not in page.html
    assert page.page.only(id="story-1").text == "A good one"
