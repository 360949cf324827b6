"""A page whose providers are functions that tests set, and a cache whose clock they move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http.response import HttpResponseBase
from django.test import Client

from cache_platform.stores import get_memory, local_copies
from cache_platform.stores.memory import wall_clock_ms
from news.schema import Article, Headlines
from tests.integration.dashboard.markup import Markup, parse
from tests.unit.dashboard.samples import article, current_weather, forecast, headlines
from weather.schema import CurrentWeather, Forecast


@dataclass
class Providers:
    """What the providers answer; an exception is raised instead."""

    current: CurrentWeather | Exception
    forecast: Forecast | Exception
    news: Headlines | Exception
    calls: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    searches: list[str] = field(default_factory=list)
    places: list[tuple[float, float]] = field(default_factory=list)
    before: Callable[[str], None] = lambda name: None

    def answer(self, name: str) -> Any:
        self.calls.append(name)
        self.before(name)
        found = getattr(self, name)
        if isinstance(found, Exception):
            raise found
        return found

    def all_fail(self, error: Callable[[], Exception]) -> None:
        """Every provider raises an error from now on."""
        self.current, self.forecast, self.news = error(), error(), error()

    def publish(self, *articles: Article) -> None:
        """The news are these."""
        self.news = headlines(list(articles))


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> Providers:
    """Providers that all answer well."""
    now = datetime.now(UTC)
    found = Providers(
        current=current_weather(),
        forecast=forecast(today=(now + timedelta(seconds=7200)).date()),
        news=headlines([article(title="A calm headline", published=now - timedelta(minutes=5))]),
    )

    def load_current(lat: float, lon: float) -> CurrentWeather:
        found.places.append((lat, lon))
        return found.answer("current")

    def load_headlines(category: str, country: str, q: str, page: int) -> Headlines:
        found.categories.append(category)
        found.searches.append(q)
        return found.answer("news")

    monkeypatch.setattr("weather.openmeteo.load_current", load_current)
    monkeypatch.setattr("weather.openmeteo.load_forecast", lambda lat, lon: found.answer("forecast"))
    monkeypatch.setattr("news.providers.load_headlines", load_headlines)
    return found


@pytest.fixture
def later() -> Callable[[float], None]:
    """`later(seconds)`: the cache's clock goes on by so much."""
    shift = 0

    def move(seconds: float) -> None:
        nonlocal shift
        shift += int(seconds * 1000)
        local_copies.reset()
        get_memory()._clock = lambda: wall_clock_ms() + shift

    return move


@dataclass
class Visit:
    """One answer, read to its end."""

    response: HttpResponseBase
    html: str

    @property
    def page(self) -> Markup:
        """The answer's markup."""
        return parse(self.html)

    def state(self, card: str) -> str:
        """The state that a card shows: fresh, cached, stale, late or error."""
        return self.page.only(id=card).attributes["data-state"] or ""

    def text(self, card: str) -> str:
        """What a card says, with single spaces."""
        return self.page.only(id=card).text


@pytest.fixture
def visit(client: Client, providers: Providers) -> Callable[..., Visit]:
    """`visit("/?units=imperial")`: what a browser without JavaScript gets."""

    def get(address: str = "/", **headers: Any) -> Visit:
        response = client.get(address, **headers)
        body = response.getvalue() if response.streaming else response.content
        return Visit(response, body.decode())

    return get
