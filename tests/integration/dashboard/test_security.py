"""What providers and visitors write stays text, and the pages keep to the content security policy."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from cache_platform import SourceUnavailable
from tests.integration.dashboard.conftest import Providers, Visit
from tests.unit.dashboard.samples import article, current_weather

ATTACK = "\"'><script>alert(1)</script><!--card--><img src=x onerror=alert(1)>"
PAGES = ["/", "/?q=paris", "/?q=" + quote(ATTACK), "/cards/weather", "/cards/news", "/cards/places?q=rome", "/nope"]


def check_markup(found: Visit) -> None:
    """No code in the markup: no inline scripts, styles or handlers, no javascript: addresses."""
    for element in found.page.root.walk():
        assert element.name not in {"style", "iframe", "object", "embed", "base"}
        if element.name == "script":
            assert element.attributes.get("src")
            assert not element.text
        for name, value in element.attributes.items():
            assert name != "style"
            assert not name.startswith(("on", "hx-on", "hx-vals", "hx-vars"))
            assert not (value or "").strip().lower().startswith(("javascript:", "js:"))
            if name == "hx-trigger":
                assert "[" not in (value or "")


@pytest.mark.parametrize("address", PAGES)
def test_no_page_has_code_inside(visit: Callable[..., Visit], address: str) -> None:
    """The policy would block it, and so the page would be broken."""
    check_markup(visit(address))


@pytest.mark.parametrize("address", PAGES)
def test_the_policy_is_sent_with_every_page(visit: Callable[..., Visit], address: str) -> None:
    """Nothing but our own files, and no inline code."""
    policy = visit(address).response["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"


def test_hostile_news_are_text(visit: Callable[..., Visit], providers: Providers) -> None:
    """Title, source and summary are shown as they are written, and the page around them is whole."""
    providers.publish(article(title=ATTACK, source=ATTACK, summary=ATTACK, url='https://example.org/"><script>'))
    page = visit()
    check_markup(page)
    assert page.page.only("h3").text == ATTACK
    assert page.page.only(id="story-1").attributes["href"] == 'https://example.org/"><script>'
    assert page.html.rstrip().endswith("</html>")


def test_a_hostile_weather_report_is_text(visit: Callable[..., Visit], providers: Providers) -> None:
    """The same for the words of the weather."""
    providers.current = current_weather(description=ATTACK)
    page = visit()
    check_markup(page)
    assert ATTACK in page.text("weather")


def test_the_words_of_an_error_are_not_shown(visit: Callable[..., Visit], providers: Providers) -> None:
    """They may hold what a provider wrote."""
    providers.all_fail(lambda: SourceUnavailable(ATTACK, ATTACK))
    page = visit()
    check_markup(page)
    assert "alert(1)" not in page.html


def test_links_to_other_sites_tell_them_nothing(visit: Callable[..., Visit]) -> None:
    """No opener, no referrer."""
    outside = [link for link in visit().page.all("a") if (link.attributes["href"] or "").startswith("http")]
    assert len(outside) >= 4
    assert {link.attributes.get("rel") for link in outside} == {"noopener noreferrer"}
