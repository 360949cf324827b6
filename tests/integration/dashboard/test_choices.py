"""Place, units and category: from the address, remembered in cookies, and never a way to break the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from dashboard.choices import DEFAULT_PLACE
from tests.integration.dashboard.conftest import Providers, Visit
from weather.places import get_place

HOSTILE = [
    "",
    " ",
    "0",
    "-1",
    "99999999999999999999",
    "9" * 100_000,
    "٣٤٥",
    "1e9",
    "NaN",
    "\x00",
    "2950159\x00",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "<script>alert(1)</script>",
    "'\"><img src=x onerror=alert(1)>",
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "İ" * 50,
]
NAMES = [repr(value)[:24] for value in HOSTILE]


def shown(page: Visit) -> tuple[str | None, str | None, str | None]:
    weather, news = page.page.only(id="weather").attributes, page.page.only(id="news").attributes
    return weather["data-place"], weather["data-units"], news["data-category"]


def test_the_default_place_is_that_of_the_table() -> None:
    """It is written out to spare the table, so the two must agree."""
    assert get_place(DEFAULT_PLACE.id) == DEFAULT_PLACE


def test_without_a_choice_there_is_a_sensible_one(visit: Callable[..., Visit], providers: Providers) -> None:
    """Berlin, metric, general; its coordinates are rounded as the API does, so both share one entry."""
    assert shown(visit()) == ("2950159", "metric", "general")
    assert providers.places == [(52.52, 13.41)]


def test_the_address_chooses(visit: Callable[..., Visit], providers: Providers) -> None:
    """And the providers are asked for just that."""
    page = visit("/?place=1850147&units=imperial&category=Science")
    assert shown(page) == ("1850147", "imperial", "science")
    assert providers.categories == ["science"]
    assert providers.places == [(35.69, 139.69)]


def test_a_choice_is_remembered(visit: Callable[..., Visit]) -> None:
    """In first-party cookies that scripts cannot read and other sites do not send along with their forms."""
    cookies = visit("/?place=1850147&units=imperial&category=science").response.cookies
    assert {name: cookie.value for name, cookie in cookies.items()} == {
        "dashboard_place": "1850147",
        "dashboard_units": "imperial",
        "dashboard_category": "science",
    }
    for cookie in cookies.values():
        assert cookie["samesite"] == "Lax"
        assert cookie["httponly"]
        assert not cookie["secure"]
    again = visit()
    assert shown(again) == ("1850147", "imperial", "science")
    assert not again.response.cookies


def test_over_https_the_cookies_stay_there(client: Client, providers: Providers) -> None:
    """Secure, where the page itself is."""
    response = client.get("/?units=imperial", secure=True)
    response.getvalue()
    assert response.cookies["dashboard_units"]["secure"]


def test_the_address_wins_over_the_cookie(visit: Callable[..., Visit]) -> None:
    """A link shows what it says, and what it does not say is remembered."""
    visit("/?place=1850147&units=imperial")
    assert shown(visit("/?units=metric")) == ("1850147", "metric", "general")


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
@pytest.mark.parametrize("name", ["place", "units", "category"])
def test_a_hostile_address_shows_the_default(visit: Callable[..., Visit], name: str, value: str) -> None:
    """The page never fails for a wrong choice, and does not remember it."""
    page = visit(f"/?{name}={quote(value)}&{name}[]=1&{name}[0][x]=2")
    assert page.response.status_code == 200
    assert shown(page) == ("2950159", "metric", "general")
    assert not page.response.cookies


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
def test_a_hostile_cookie_shows_the_default(visit: Callable[..., Visit], value: str) -> None:
    """Whatever stands in the cookies, all routes answer."""
    raw = value.encode("utf-8", "surrogatepass").decode("latin-1")  # as WSGI servers hand over headers
    header = {"cookie": "; ".join(f"dashboard_{name}={raw}" for name in ("place", "units", "category"))}
    assert shown(visit("/", headers=header)) == ("2950159", "metric", "general")
    assert visit("/cards/weather", headers=header).response.status_code == 200
    assert visit("/cards/news", headers=header).response.status_code == 200


def test_a_raw_hostile_cookie_header_is_harmless(visit: Callable[..., Visit]) -> None:
    """Broken syntax and bytes that are no text, too."""
    header = 'dashboard_place="\x01\xff; dashboard_units==;;; dashboard_category=%00; ' + "x" * 5000
    assert shown(visit("/", headers={"cookie": header})) == ("2950159", "metric", "general")


@pytest.mark.parametrize(
    "value", [value for value in HOSTILE if value.strip()], ids=[n for n in NAMES if n[1:-1].strip()]
)
@pytest.mark.parametrize(("card", "name"), [("weather", "place"), ("weather", "units"), ("news", "category")])
def test_a_card_refuses_what_is_not_allowed(visit: Callable[..., Visit], card: str, name: str, value: str) -> None:
    """400 in plain text that names the field and repeats nothing."""
    response = visit(f"/cards/{card}?{name}={quote(value)}").response
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/plain")
    assert response.content.decode().startswith(f"{name}: ")
    assert b"<" not in response.content


def test_many_fields_and_lists_are_no_error_of_ours(visit: Callable[..., Visit]) -> None:
    """The last value of a list counts; an absurd number of fields is a 400."""
    assert shown(visit("/?units=imperial&units=metric&units=imperial"))[1] == "imperial"
    assert visit("/?" + "&".join(f"a{i}=1" for i in range(5000))).response.status_code in {200, 400}


def test_a_refresh_does_not_undo_what_was_chosen_elsewhere(visit: Callable[..., Visit]) -> None:
    """Only links that choose are remembered, not the clock of another tab, and each part for itself."""
    assert not visit("/cards/weather?place=1850147&units=imperial").response.cookies
    chosen = visit("/cards/weather?place=1850147&units=imperial&remember=1").response.cookies
    assert set(chosen) == {"dashboard_place", "dashboard_units"}
    assert set(visit("/cards/news?category=sports&remember=1").response.cookies) == {"dashboard_category"}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_page_is_only_read(client: Client, method: str) -> None:
    """Everything else is refused."""
    for address in ("/", "/cards/weather", "/cards/news", "/cards/places"):
        answer: Any = getattr(client, method)(address)
        assert answer.status_code == 405
