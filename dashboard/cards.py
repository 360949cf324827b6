"""The cards of the page, each from the reads it needs to the HTML it becomes."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial

from django.http import HttpRequest
from django.template.loader import render_to_string

from cache_platform.rest.callers import caller_of
from dashboard.answers import Outcome, ask, outcome_of
from dashboard.choices import Choice
from dashboard.news_card import news_card
from dashboard.weather_card import weather_card
from news.queries import DEFAULT_COUNTRY
from news.reads import read_headlines
from news.schema import Headlines
from weather import openmeteo, places
from weather.coordinates import parse_latitude, parse_longitude
from weather.reads import read_current, read_forecast
from weather.schema import CurrentWeather, Forecast


class PendingWeather:
    """The weather card, whose reads have begun."""

    def __init__(self, request: HttpRequest, choice: Choice) -> None:
        # Through the API's own parsers, so that the page and the API share their entries.
        lat, lon = parse_latitude(f"{choice.place.latitude:.5f}"), parse_longitude(f"{choice.place.longitude:.5f}")
        caller = caller_of(request)
        self._choice = choice
        self._current: Future[Outcome[CurrentWeather]] = ask(partial(read_current, lat, lon, caller=caller))
        self._forecast: Future[Outcome[Forecast]] = ask(partial(read_forecast, lat, lon, caller=caller))

    def html(self, *, until: float, fragment: bool = False) -> str:
        """The card with what is there at `until`, a time of time.monotonic()."""
        current, forecast = outcome_of(self._current, until=until), outcome_of(self._forecast, until=until)
        card = weather_card(self._choice, current, forecast, now=datetime.now(UTC))
        context = {"card": card, "fragment": fragment, "source": openmeteo, "places": places}
        return render_to_string("dashboard/weather.html", context)


class PendingNews:
    """The news card, whose read has begun."""

    def __init__(self, request: HttpRequest, choice: Choice) -> None:
        self._choice = choice
        read = partial(read_headlines, choice.category, DEFAULT_COUNTRY, caller=caller_of(request))
        self._headlines: Future[Outcome[Headlines]] = ask(read)

    def html(self, *, until: float, fragment: bool = False) -> str:
        """The card with what is there at `until`, a time of time.monotonic()."""
        card = news_card(self._choice, outcome_of(self._headlines, until=until), now=datetime.now(UTC))
        return render_to_string("dashboard/news.html", {"card": card, "fragment": fragment})
