"""Searching the headlines: by a form without JavaScript, by its address for the card alone, within the API's limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cache_platform.testing import isolated_cache
from tests.integration.dashboard.conftest import Providers, Visit
from tests.integration.dashboard.test_page import query
from tests.integration.dashboard.test_security import ATTACK, check_markup
from tests.unit.dashboard.samples import article


@pytest.fixture(autouse=True)
def cache() -> Iterator[None]:
    """A cache and limits of its own."""
    with isolated_cache():
        yield


@pytest.fixture
def once(settings: Any) -> None:
    """A visitor may search once a minute."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": {"search": "1/60s"}}


@pytest.mark.parametrize("address", ["/?words=Bridge&category=science", "/cards/news?words=Bridge&category=science"])
def test_the_words_are_searched_for_in_the_category(
    visit: Callable[..., Visit], providers: Providers, address: str
) -> None:
    """In the spelling that the API's searches have, so that both share an entry."""
    providers.publish(article(title="A new bridge"))
    page = visit(address)
    assert (providers.searches, providers.categories) == (["bridge"], ["science"])
    assert "1 headline with “bridge” in Science. Show all" in page.text("news")
    assert page.page.only(id="words").attributes["value"] == "bridge"
    assert page.page.only(id="news").attributes["data-words"] == "bridge"
    assert "with “bridge”" in (page.page.only(id="news").attributes["data-summary"] or "")


def test_what_is_searched_for_stays_while_other_things_change(visit: Callable[..., Visit]) -> None:
    """Units, category, place and a refresh keep the words; the way back drops them; no cookie remembers them."""
    page = visit("/?words=bridge&q=paris")
    for name in ("units-imperial", "category-sports", "news-refresh"):
        assert query(page.page.only(id=name).attributes["href"])["words"] == ["bridge"]
    assert page.page.only(id="news").attributes["hx-get"] == "/cards/news?category=general&words=bridge"
    hidden = [field.attributes["value"] for field in page.page.all("input", type="hidden", name="words")]
    assert hidden == ["bridge"]
    assert all("words=bridge" in str(link.attributes["href"]) for link in page.page.only(class_="places-list").walk()
               if link.name == "a")  # fmt: skip
    clear = page.page.only(id="words-clear").attributes
    assert "words" not in query(clear["href"]) | query(clear["hx-get"])
    assert set(page.response.cookies) == set()


def test_nothing_found_says_so_and_leads_back(visit: Callable[..., Visit], providers: Providers) -> None:
    """No trouble, no empty list."""
    providers.publish()
    page = visit("/?words=zebra")
    assert page.state("news") == "fresh"
    assert "No headlines with “zebra” in General. Show all" in page.text("news")
    assert "no headlines in this category" not in page.text("news")


def test_a_provider_without_categories_is_searched_whole(visit: Callable[..., Visit], settings: Any) -> None:
    """So no category is named."""
    settings.NEWS_PROVIDER = "hackernews"
    assert "1 headline with “calm”. Show all" in visit("/?words=calm").text("news")


def test_what_is_typed_stays_text(visit: Callable[..., Visit]) -> None:
    """In the field, in the words above the list, in addresses."""
    page = visit("/", query_params={"words": ATTACK})
    check_markup(page)
    assert page.page.only(id="words").attributes["value"] == ATTACK.lower()


@pytest.mark.parametrize("words", ["a" * 101, "a\x00b", "a" * 100_000])
def test_words_that_no_search_has_count_as_none(visit: Callable[..., Visit], providers: Providers, words: str) -> None:
    """The page shows the headlines; a card's address is refused."""
    assert visit("/", query_params={"words": words}).page.only(id="news").attributes["data-words"] == ""
    assert providers.searches == [""]
    assert visit("/cards/news", query_params={"words": words}).response.status_code == 400


def test_too_many_searches_are_refused_with_the_time_to_wait(
    once: None, visit: Callable[..., Visit], providers: Providers
) -> None:
    """On the page, for the card and over the API, which share the slots; what is searched for stays in the field, and
    all else of the page is there."""
    found = visit("/?words=bridge")
    assert (found.response.status_code, found.response["RateLimit-Policy"]) == (200, '"search";q=1;w=60')
    for address in ("/?words=tower", "/cards/news?words=tower"):
        page = visit(address)
        assert page.response.status_code == 429
        assert 0 < int(page.response["Retry-After"]) <= 60
        assert page.state("news") == "error"
        assert "You have searched very often in a short time. Try again in" in page.text("news")
        assert page.page.only(id="words").attributes["value"] == "tower"
    assert visit("/?words=tower").state("weather") == "cached"
    assert visit("/api/news?q=tower").response.status_code == 429
    assert providers.searches == ["bridge"]


def test_looking_at_headlines_is_not_limited(once: None, visit: Callable[..., Visit]) -> None:
    """Only searching is."""
    pages = [
        visit(address).response for address in ("/", "/cards/news", "/?words=", "/?words=%20", "/?category=sports")
    ]
    assert {page.status_code for page in pages} == {200}
    assert not any("RateLimit" in page for page in pages)


def test_searches_count_by_address_as_over_the_api(once: None, visit: Callable[..., Visit]) -> None:
    """Headlines are public: who is signed in does not matter, and another address has slots of its own."""
    assert visit("/api/news?q=bridge").response.status_code == 200
    assert visit("/cards/news?words=bridge").response.status_code == 429
    assert visit("/cards/news?words=bridge", REMOTE_ADDR="203.0.113.9").response.status_code == 200
