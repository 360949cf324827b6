"""The search for a place: a form and a list of links; suggestions while typing."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.integration.dashboard.conftest import Visit


def test_a_search_without_javascript_lists_places(visit: Callable[..., Visit]) -> None:
    """The form gets the page with links that choose a place and keep the rest."""
    page = visit("/?q=springfield&units=imperial&category=sports").page
    found = page.only("ul", class_="places-list")
    assert "Springfield Missouri, United States" in found.text
    assert "170 thousand people" in found.text
    link = next(element for element in found.walk() if element.name == "a")
    assert link.attributes["href"] == "/?place=4409896&units=imperial&category=sports"
    assert page.only(id="q").attributes["value"] == "springfield"


def test_suggestions_are_the_same_list(visit: Callable[..., Visit]) -> None:
    """What is typed is in the list, so that Enter takes the first place only if it belongs to it."""
    page = visit("/cards/places?q=%20Z%C3%BCrich&units=imperial").page
    assert page.only("ul").attributes["data-for"] == "Zürich"
    assert page.all("a")[0].attributes["hx-get"] == "/cards/weather?place=2657896&units=imperial&remember=1"
    assert page.all("a")[0].attributes["hx-target"] == "#weather"


def test_no_result_says_what_is_known(visit: Callable[..., Visit]) -> None:
    """With what was typed, as text."""
    page = visit("/?q=" + quote("<b>qqqqq")).page
    assert "No place found for “<b>qqqqq”." in page.only(id="places").text


@pytest.mark.parametrize("text", ["", "   ", "%00", "a" * 101, "a" * 100_000, "%ed%a0%80", "%ff", "&q[]=1", "a%00b"])
def test_a_hostile_search_is_harmless(visit: Callable[..., Visit], text: str) -> None:
    """The page is there, with or without a list."""
    assert visit(f"/?q={text}").response.status_code == 200
    assert visit(f"/cards/places?q={text}").response.status_code in {200, 400}


def test_a_search_that_is_too_long_says_so(visit: Callable[..., Visit]) -> None:
    """The fragment with 400, the page with the sentence."""
    fragment = visit("/cards/places?q=" + "a" * 101)
    assert fragment.response.status_code == 400
    assert "The name of a place must have at most 100 characters." in fragment.html
    assert "must have at most 100 characters" in visit("/?q=" + "a" * 101).page.only(id="places").text


def test_nothing_typed_is_an_empty_list(visit: Callable[..., Visit]) -> None:
    """So that clearing the field clears the suggestions."""
    assert not visit("/cards/places?q=").html.strip()
