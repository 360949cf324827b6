"""The page without JavaScript: everything is there, in one response, with links and forms that lead on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cache_platform.testing import isolated_cache
from news.queries import CATEGORIES
from tests.integration.accounts.credentials import new_user
from tests.integration.dashboard.conftest import Providers, Visit
from tests.unit.dashboard.samples import article
from weather.codes import ICONS


def query(address: str | None) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address or "").query)


def test_one_request_without_javascript_shows_weather_and_news(visit: Callable[..., Visit]) -> None:
    """Temperature, description, facts, seven days and headlines are in the first response."""
    page = visit()
    assert page.response.status_code == 200
    weather = page.text("weather")
    for words in ("Berlin", "Germany", "16°", "Overcast", "Feels like 14°", "10 km/h", "from SW", "87 %", "1013 hPa"):
        assert words in weather
    assert "06:30" in weather
    assert "19:40" in weather
    assert len(page.page.only("tbody").inside) >= 7
    assert "Today" in page.page.only("tbody").text
    assert "A calm headline" in page.text("news")
    assert "The Example · 5 min ago" in page.text("news")


def test_the_cards_are_read_at_the_same_time(visit: Callable[..., Visit], providers: Providers) -> None:
    """No read waits for another: all three are under way before the first one ends."""
    barrier = Barrier(3, timeout=60)
    providers.before = lambda name: barrier.wait() and None
    page = visit()
    assert (page.state("weather"), page.state("news")) == ("fresh", "fresh")


def test_the_frame_is_sent_before_the_providers_answer(client: Client, providers: Providers) -> None:
    """The first piece of the response is there while the loads still wait."""
    barrier = Barrier(4, timeout=60)
    providers.before = lambda name: barrier.wait() and None
    pieces = iter(client.get("/"))
    first = next(pieces).decode()
    assert 'id="q"' in first
    assert 'id="weather"' not in first
    barrier.wait()
    rest = b"".join(pieces).decode()
    assert "A calm headline" in rest
    assert rest.rstrip().endswith("</html>")


@pytest.mark.parametrize("cookie", ["", "sessionid=abcdefgh", f"sessionid={'a' * 48}"])
def test_a_stranger_costs_no_query_and_gets_no_session(
    visit: Callable[..., Visit], db: None, django_assert_num_queries: DjangoAssertNumQueries, cookie: str
) -> None:
    """Not even with a session cookie that somebody made up; the page takes that away."""
    with django_assert_num_queries(0):
        for address in ("/", "/?q=paris", "/cards/weather", "/cards/news", "/cards/places?q=rome"):
            found = visit(address, headers={"cookie": cookie} if cookie else {})
            assert found.response.status_code == 200
            if "sessionid" in found.response.cookies:
                assert found.response.cookies["sessionid"]["max-age"] == 0
            assert "csrftoken" not in found.response.cookies


def test_a_stranger_is_asked_to_sign_in(visit: Callable[..., Visit]) -> None:
    """The top bar leads to the sign-in page."""
    menu = visit().page.only("nav", aria_label="Account")
    (link,) = (element for element in menu.walk() if element.name == "a")
    assert (link.text, link.attributes["href"]) == ("Sign in", "/accounts/login/")


def test_the_menu_of_the_signed_in_costs_no_query(
    visit: Callable[..., Visit], client: Client, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Session and user come from the cache; the page is still nobody else's."""
    client.force_login(new_user())
    with isolated_cache():
        visit()
        with django_assert_num_queries(0):
            found = visit()
    menu = found.page.only("nav", aria_label="Account")
    assert "Signed in as user" in menu.text
    assert "Sign out" in menu.text
    assert "Administration" not in menu.text
    assert found.response["Cache-Control"] == "private, no-cache"
    assert "Cookie" in found.response["Vary"]


def test_the_page_goes_on_where_nobody_can_tell_who_is_signed_in(
    visit: Callable[..., Visit], client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the database away and the session not in the cache there is no menu, and all else is there."""

    def away(session: str) -> None:
        raise OperationalError

    client.force_login(new_user())
    monkeypatch.setattr("accounts.sessions.cached_db.load_session", away)
    found = visit()
    assert found.response.status_code == 200
    assert not found.page.all("nav", aria_label="Account")
    assert "A calm headline" in found.text("news")
    assert "sessionid" not in found.response.cookies


def test_what_is_private_is_not_kept_by_others(visit: Callable[..., Visit]) -> None:
    """The page depends on cookies: shared caches do not keep it."""
    for address in ("/", "/cards/weather", "/cards/news?category=nonsense", "/cards/places?q=rome"):
        response = visit(address).response
        assert response["Cache-Control"] == "private, no-cache"
        assert "Cookie" in response["Vary"]


def test_links_carry_the_whole_choice(visit: Callable[..., Visit]) -> None:
    """Without cookies and JavaScript, changing one thing keeps the others."""
    page = visit("/?place=1850147&units=imperial&category=science").page
    assert query(page.only(id="units-metric").attributes["href"]) == {
        "place": ["1850147"],
        "units": ["metric"],
        "category": ["science"],
    }
    sports = page.only(id="category-sports").attributes["href"]
    assert query(sports) == {"place": ["1850147"], "units": ["imperial"], "category": ["sports"]}
    hidden = {field.attributes["name"]: field.attributes["value"] for field in page.all("input", type="hidden")}
    assert hidden == {"place": "1850147", "units": "imperial", "category": "science"}


def test_every_category_is_a_tab_and_the_chosen_one_says_so(visit: Callable[..., Visit]) -> None:
    """Assistive technology learns it from aria-current."""
    page = visit("/?category=health").page
    tabs = {name: page.only(id=f"category-{name}") for name in CATEGORIES}
    assert [name for name, tab in tabs.items() if "aria-current" in tab.attributes] == ["health"]


def test_a_provider_without_categories_has_no_tabs(visit: Callable[..., Visit], settings: object) -> None:
    """Hacker News gives the same for all of them."""
    settings.NEWS_PROVIDER = "hackernews"
    assert not visit().page.all(id="category-general")


def test_imperial_units_are_converted(visit: Callable[..., Visit]) -> None:
    """Fahrenheit and miles per hour, of the same entry."""
    weather = visit("/?units=imperial").text("weather")
    assert "60°" in weather
    assert "6 mph" in weather
    assert "68°" in weather


def test_many_headlines_are_folded_after_ten(visit: Callable[..., Visit], providers: Providers) -> None:
    """All are in the page; the rest opens without JavaScript."""
    now = datetime.now(UTC)
    providers.publish(*(article(title=f"Number {i:02}", published=now - timedelta(hours=i)) for i in range(1, 21)))
    page = visit().page
    assert len(page.all("li", class_="story")) == 20
    assert "10 more headlines" in page.only("summary").text
    assert "Number 11" in page.only("details").text
    assert "Number 10" not in page.only("details").text


def test_times_are_given_to_people_and_to_machines(visit: Callable[..., Visit], providers: Providers) -> None:
    """How long ago in words, the moment in `datetime` and on pointing at it."""
    moment = datetime.now(UTC) - timedelta(hours=3, minutes=5)
    providers.publish(article(published=moment))
    (time,) = (element for element in visit().page.all("time") if element.text == "3 h ago")
    assert time.attributes["datetime"] == moment.isoformat(timespec="seconds")
    assert (time.attributes["title"] or "").endswith("UTC")


@pytest.mark.parametrize("address", ["/", "/?q=paris", "/?q=nowhere-at-all", "/no-such-page"])
def test_the_page_is_built_for_assistive_technology(visit: Callable[..., Visit], address: str) -> None:
    """Language, title, landmarks, one first heading, unique ids, labels for fields, names for links and pictures."""
    page = visit(address).page
    assert page.only("html").attributes["lang"] == "en"
    assert page.all("title")[0].text
    assert len(page.all("main")) == len(page.all("h1")) == 1
    ids = [element.attributes["id"] for element in page.root.walk() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        assert link.text, link.attributes
    for field in page.all("input"):
        if field.attributes["type"] != "hidden":
            assert page.only("label", for_=str(field.attributes["id"])).text
    for picture in page.all("svg"):
        assert "aria-hidden" in picture.attributes or picture.attributes.get("aria-label")
    for section in page.all("section"):
        assert page.only(id=str(section.attributes["aria-labelledby"])).text


def test_changes_are_announced_politely(visit: Callable[..., Visit]) -> None:
    """The live region lies outside the cards, so that it survives their refresh; each card carries its summary."""
    page = visit().page
    region = page.only(id="announcements")
    assert region.attributes["aria-live"] == "polite"
    assert region not in list(page.only(id="weather").walk())
    assert page.only(id="weather").attributes["data-summary"].strip() == "Berlin: 16°, Overcast. Updated just now."


def test_every_picture_that_is_used_is_drawn(visit: Callable[..., Visit]) -> None:
    """No icon of a weather code is missing in the sprite, and nothing refers to one that is not there."""
    page = visit().page
    drawn = {element.attributes["id"] for element in page.all("symbol")}
    assert {f"w-{name}" for name in ICONS} <= drawn
    ids = {element.attributes.get("id") for element in page.root.walk()}
    assert {(use.attributes["href"] or "").removeprefix("#") for use in page.all("use")} <= ids


def test_every_asset_is_ours_and_there(visit: Callable[..., Visit]) -> None:
    """Styles, scripts and the icon are static files of the site; nothing is asked from elsewhere."""
    page = visit().page
    assets = [element.attributes["href"] for element in page.all("link")]
    assets += [element.attributes["src"] for element in page.all("script")]
    assert len(assets) == 6
    for address in assets:
        assert (address or "").startswith("/static/")
        assert finders.find((address or "").removeprefix("/static/"))
    assert not page.all("img")


def test_error_pages_are_ours(client: Client, settings: object) -> None:
    """A wrong address gets a page that leads back."""
    response = client.get("/no-such-page")
    assert response.status_code == 404
    assert b"There is no page here" in response.content
    assert re.search(rb'<a class="button" href="/">', response.content)


def test_our_own_mistakes_have_a_page_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs nothing that could be broken as well."""
    client.raise_request_exception = False
    monkeypatch.setattr("dashboard.views.choice_of", lambda request: 1 / 0)
    response = client.get("/")
    assert response.status_code == 500
    assert b"Something went wrong on our side" in response.content
    assert finders.find("css/base.css")
    assert b'href="/static/css/base.css"' in response.content
