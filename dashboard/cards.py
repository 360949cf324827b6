"""The cards of the page, each from the reads it needs to the HTML it becomes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string

from accounts.schema import SubscriptionState
from accounts.subscriptions import read_subscription
from cache_platform.ratelimits import Decision
from cache_platform.rest.callers import caller_of
from connectors.schema import StatusEntry
from connectors.states import read_status
from dashboard.answers import Failure, Outcome, Trouble, ask, outcome_of, settled
from dashboard.choices import Choice
from dashboard.news_card import news_card
from dashboard.own_cards import plan_card, platforms_card
from dashboard.weather_card import weather_card
from news.queries import DEFAULT_COUNTRY
from news.reads import read_headlines
from news.schema import Headlines
from weather import openmeteo, places
from weather.coordinates import parse_latitude, parse_longitude
from weather.reads import read_current, read_forecast
from weather.schema import CurrentWeather, Forecast

logger = logging.getLogger(__name__)


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

        def render(current: Outcome[CurrentWeather], forecast: Outcome[Forecast]) -> str:
            card = weather_card(self._choice, current, forecast, now=datetime.now(UTC))
            context = {"card": card, "fragment": fragment, "source": openmeteo, "places": places}
            return render_to_string("dashboard/weather.html", context)

        return _rendered(render, outcome_of(self._current, until=until), outcome_of(self._forecast, until=until))


class PendingNews:
    """The news card, whose read has begun, unless `search`, the decision on what is searched for, refused it."""

    def __init__(self, request: HttpRequest, choice: Choice, search: Decision | None) -> None:
        self._choice = choice
        self._headlines: Future[Outcome[Headlines]]
        if search is not None and not search.allowed:
            self._headlines = settled(Failure(trouble=Trouble.SEARCHES, retry_after=search.retry_after))
            return
        read = partial(read_headlines, choice.category, DEFAULT_COUNTRY, choice.words, caller=caller_of(request))
        self._headlines = ask(read)

    def html(self, *, until: float, fragment: bool = False) -> str:
        """The card with what is there at `until`, a time of time.monotonic()."""

        def render(headlines: Outcome[Headlines]) -> str:
            card = news_card(self._choice, headlines, now=datetime.now(UTC))
            return render_to_string("dashboard/news.html", {"card": card, "fragment": fragment})

        return _rendered(render, outcome_of(self._headlines, until=until))


class PendingPlatforms:
    """The card of a user's platforms, whose read has begun."""

    def __init__(self, choice: Choice, user_id: int) -> None:
        self._choice = choice
        self._platforms: Future[Outcome[StatusEntry]] = ask(partial(read_status, user_id))

    def html(self, *, until: float) -> str:
        """The card with what is there at `until`, a time of time.monotonic()."""

        def render(platforms: Outcome[StatusEntry]) -> str:
            card = platforms_card(self._choice, platforms, now=datetime.now(UTC))
            return render_to_string("dashboard/platforms.html", {"card": card})

        return _rendered(render, outcome_of(self._platforms, until=until))


class PendingPlan:
    """The card of a user's subscription, whose read has begun."""

    def __init__(self, choice: Choice, user_id: int) -> None:
        self._choice = choice
        self._subscription: Future[Outcome[SubscriptionState]] = ask(partial(read_subscription, user_id=user_id))

    def html(self, *, until: float) -> str:
        """The card with what is there at `until`, a time of time.monotonic()."""

        def render(subscription: Outcome[SubscriptionState]) -> str:
            card = plan_card(self._choice, subscription, now=datetime.now(UTC))
            return render_to_string("dashboard/subscription.html", {"card": card})

        return _rendered(render, outcome_of(self._subscription, until=until))


def _rendered(render: Callable[..., str], *outcomes: Outcome[Any]) -> str:
    """The card of `outcomes`; where that fails, the card that says so: the rest of the page is still good, and most of
    it is sent already.
    """
    try:
        return render(*outcomes)
    except Exception:
        logger.exception("a card of the dashboard could not be shown")
        return render(*[Failure(trouble=Trouble.FAULT)] * len(outcomes))
