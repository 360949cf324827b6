"""Fresh, cached, stale, late and failed cards: each says what it is, and none takes the other with it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from datetime import datetime
from threading import Event
from typing import Any

import pytest

from cache_platform import BudgetExceeded, LoadShed, Read, SourceMalformed, SourceTimeout, SourceUnavailable
from dashboard import cards, views
from dashboard.answers import MOST_READS, Answer, ask
from dashboard.choices import Choice
from tests.integration.dashboard.conftest import Providers, Visit
from weather import openmeteo, places


def refused() -> Exception:
    return SourceUnavailable("A provider", "HTTP 500")


def test_the_first_answer_is_fresh_and_the_next_one_cached(visit: Callable[..., Visit], providers: Providers) -> None:
    """Each card says its age, where the answer came from, and when it is renewed."""
    first = visit()
    assert (first.state("weather"), first.state("news")) == ("fresh", "fresh")
    assert "Updated just now · Fresh from Open-Meteo" in first.text("weather")
    second = visit()
    assert (second.state("weather"), second.state("news")) == ("cached", "cached")
    assert "From cache, renewed in 9 min" in second.text("weather")
    assert "From cache, renewed in 14 min" in second.text("news")
    assert sorted(providers.calls) == ["current", "forecast", "news"]


def test_the_age_is_that_of_the_answer(visit: Callable[..., Visit], later: Callable[[float], None]) -> None:
    """Three minutes later the card says so."""
    visit()
    later(190)
    assert "Updated 3 min ago" in visit().text("weather")


def test_the_last_good_answer_stays_when_the_provider_fails(
    visit: Callable[..., Visit], providers: Providers, later: Callable[[float], None]
) -> None:
    """Stale, marked as such, with its age and the reason; the content is still there."""
    visit()
    later(3600)
    providers.all_fail(refused)
    page = visit()
    assert page.response.status_code == 200
    assert (page.state("weather"), page.state("news")) == ("stale", "stale")
    assert "Open-Meteo does not respond. This is its last good answer." in page.text("weather")
    assert "Updated 1 h ago · Last good answer" in page.text("weather")
    assert "16°" in page.text("weather")
    assert "A calm headline" in page.text("news")


@pytest.mark.parametrize(
    "error",
    [
        refused(),
        SourceTimeout("A provider", "no answer in time"),
        SourceMalformed("A provider", "not JSON <b>"),
        BudgetExceeded("too many", retry_after=40),
        LoadShed("too busy", retry_after=1),
        RuntimeError("a mistake of ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_without_an_earlier_answer_is_explained(
    visit: Callable[..., Visit], providers: Providers, error: Exception
) -> None:
    """Never a 500: a sentence, a button, and what else works stays: search, units, categories, attribution."""
    providers.all_fail(lambda: error)
    for address in ("/", "/cards/weather", "/cards/news"):
        page = visit(address)
        assert page.response.status_code == 200
        for card in ("weather", "news"):
            if page.page.all(id=card):
                assert page.state(card) == "error"
                retry = page.page.only(id=f"{card}-retry")
                assert retry.text == "Try again"
                assert (retry.attributes["href"] or "").startswith("/?place=")
                assert str(error) not in page.html
    assert visit().page.only(id="units-imperial")
    assert visit().page.only(id="category-sports")


def test_the_waiting_time_is_told_where_it_is_known(visit: Callable[..., Visit], providers: Providers) -> None:
    """A used up budget names its seconds."""
    providers.all_fail(lambda: BudgetExceeded("too many", retry_after=39.2))
    assert "Try again in 40 s." in visit("/cards/weather").text("weather")


def test_the_news_stay_when_the_weather_fails(visit: Callable[..., Visit], providers: Providers) -> None:
    """One card's failure is its own."""
    providers.current, providers.forecast = refused(), refused()
    page = visit()
    assert (page.state("weather"), page.state("news")) == ("error", "fresh")
    assert "A calm headline" in page.text("news")


def test_the_weather_stays_when_the_news_fail(visit: Callable[..., Visit], providers: Providers) -> None:
    """The other way round."""
    providers.news = refused()
    page = visit()
    assert (page.state("weather"), page.state("news")) == ("fresh", "error")
    assert "No headlines at the moment" in page.text("news")


@pytest.mark.parametrize("broken", ["weather", "news"])
def test_a_card_that_cannot_be_shown_harms_no_other(
    visit: Callable[..., Visit], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    """The page is whole, the card says that it is our fault, and the log says which."""
    good = getattr(cards, f"{broken}_card")

    def make(choice: Choice, *outcomes: Any, now: datetime) -> object:
        if any(isinstance(outcome, Answer) for outcome in outcomes):
            raise ValueError("a value that cannot be shown")
        return good(choice, *outcomes, now=now)

    monkeypatch.setattr(cards, f"{broken}_card", make)
    page = visit()
    assert {card: page.state(card) for card in ("weather", "news")} == {"weather": "fresh", "news": "fresh"} | {
        broken: "error"
    }
    assert "Something went wrong on our side; it has been logged." in page.text(broken)
    assert page.html.rstrip().endswith("</html>")
    assert "a value that cannot be shown" in caplog.text
    fragment = visit(f"/cards/{broken}")
    assert (fragment.response.status_code, fragment.state(broken)) == (200, "error")


def test_where_too_many_reads_are_under_way_a_visitor_is_told_so(visit: Callable[..., Visit]) -> None:
    """At once, without a further thread; when the reads have ended, all is well."""
    answered = Event()
    hung = [
        ask(lambda: answered.wait(60) and Read(value="", policy="test.thing", source="hit")) for _ in range(MOST_READS)
    ]
    try:
        page = visit()
        assert (page.state("weather"), page.state("news")) == ("error", "error")
        assert "Many people ask for something new at this moment." in page.text("weather")
    finally:
        answered.set()
    wait(hung, timeout=60)
    page = visit()
    assert (page.state("weather"), page.state("news")) == ("fresh", "fresh")


def test_half_of_the_weather_is_better_than_none(visit: Callable[..., Visit], providers: Providers) -> None:
    """The weather now without a forecast, and a forecast without the weather now."""
    good, providers.forecast = providers.forecast, refused()
    page = visit()
    assert page.state("weather") == "fresh"
    assert "16°" in page.text("weather")
    assert "The forecast is not available at the moment." in page.text("weather")
    assert not page.page.all("table")
    providers.forecast, providers.current = good, refused()
    page = visit("/?place=1850147")
    assert page.state("weather") == "fresh"
    assert "The weather at this moment is not available. The forecast is." in page.text("weather")
    assert page.page.only("table")


def test_a_card_that_takes_too_long_is_left_out_and_follows(
    visit: Callable[..., Visit], providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other card is there; the late one is asked for by htmx at once, or by a link."""
    monkeypatch.setattr(views, "PAGE_PATIENCE", 0.2)
    answered = Event()
    providers.before = lambda name: None if name == "news" else bool(answered.wait(60)) and None
    try:
        page = visit()
        assert (page.state("weather"), page.state("news")) == ("late", "fresh")
        assert page.page.only(id="weather").attributes["hx-trigger"] == "load, refresh"
        assert "Open-Meteo takes longer than usual." in page.text("weather")
        assert page.page.only("noscript").text == "Look again"
    finally:
        answered.set()
    assert "16°" in visit("/cards/weather").text("weather")


def test_a_card_asks_again_soon_when_a_newer_answer_is_coming(
    visit: Callable[..., Visit], providers: Providers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weather now is shown while its forecast is still being read."""
    monkeypatch.setattr(views, "PAGE_PATIENCE", 0.2)
    answered = Event()
    providers.before = lambda name: bool(answered.wait(60)) and None if name == "forecast" else None
    try:
        page = visit()
        assert page.state("weather") == "fresh"
        assert "data-soon" in page.page.only(id="weather").attributes
        assert "The forecast follows in a moment." in page.text("weather")
    finally:
        answered.set()
    assert "data-soon" not in visit().page.only(id="weather").attributes


def test_every_source_is_credited(visit: Callable[..., Visit], providers: Providers) -> None:
    """Open-Meteo and GeoNames under CC BY 4.0 in every state of the card, the news as their provider asks for."""
    found = visit()
    links = {link.text: link.attributes["href"] for link in found.page.all("a", rel="noopener noreferrer")}
    assert links[openmeteo.ATTRIBUTION] == openmeteo.ATTRIBUTION_URL
    assert links[places.ATTRIBUTION] == places.ATTRIBUTION_URL
    assert links["Powered by NewsAPI.org"] == "https://newsapi.org/"
    providers.all_fail(refused)
    assert openmeteo.ATTRIBUTION in visit("/?place=1850147").text("weather")


def test_an_empty_category_says_so(visit: Callable[..., Visit], providers: Providers) -> None:
    """No headlines is an answer, not an error."""
    providers.publish()
    page = visit()
    assert page.state("news") == "fresh"
    assert "There are no headlines in this category at the moment." in page.text("news")
