"""The fragments that htmx swaps, and the addresses by which it asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.integration.dashboard.conftest import Visit


@pytest.mark.parametrize("card", ["weather", "news"])
def test_a_card_alone_is_the_card_of_the_page(visit: Callable[..., Visit], card: str) -> None:
    """Same element, same id, no page around it: so it can be swapped for itself."""
    visit()
    page, fragment = visit(), visit(f"/cards/{card}")
    assert not fragment.page.all("html")
    assert fragment.page.only("section", id=card).text == page.page.only("section", id=card).text
    assert fragment.page.only(id=card).attributes == page.page.only(id=card).attributes


def test_the_weather_alone_brings_the_title(visit: Callable[..., Visit]) -> None:
    """The page's title follows the place."""
    fragment = visit("/cards/weather?place=1850147")
    assert fragment.page.all("title")[0].text == "Tokyo: weather and headlines"


def test_each_card_refreshes_what_it_shows(visit: Callable[..., Visit]) -> None:
    """By the clock, by its button and without JavaScript, with nothing that needs an eval."""
    page = visit("/?place=1850147&units=imperial&category=science").page
    weather, news = page.only(id="weather"), page.only(id="news")
    assert weather.attributes["hx-get"] == "/cards/weather?place=1850147&units=imperial"
    assert news.attributes["hx-get"] == "/cards/news?category=science"
    for card in (weather, news):
        assert card.attributes["hx-trigger"] == "refresh"
        assert card.attributes["hx-swap"] == "outerHTML"
        button = page.only(id=f"{card.attributes['id']}-refresh")
        assert button.attributes["hx-get"] == card.attributes["hx-get"]
        assert (button.attributes["href"] or "").startswith("/?place=1850147&units=imperial&category=science")


def test_htmx_is_set_up_for_the_content_security_policy(visit: Callable[..., Visit]) -> None:
    """No eval, no styles of its own, no scripts in fragments."""
    config = json.loads(visit().page.only("meta", name="htmx-config").attributes["content"] or "")
    assert config["allowEval"] is config["includeIndicatorStyles"] is config["allowScriptTags"] is False


def test_everything_htmx_asks_for_exists(visit: Callable[..., Visit]) -> None:
    """Each address in the page answers, and each target and indicator is there."""
    page = visit("/?q=paris").page
    ids = {element.attributes.get("id") for element in page.root.walk()}
    asked = [element for element in page.root.walk() if "hx-get" in element.attributes]
    assert len(asked) > 12
    for element in asked:
        assert visit(str(element.attributes["hx-get"])).response.status_code == 200
        for name in ("hx-target", "hx-indicator"):
            value = element.attributes.get(name) or "this"
            assert value == "this" or value.removeprefix("#") in ids
