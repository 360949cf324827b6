"""The rules that all providers' articles go through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from cache_platform.exceptions import SourceMalformed
from news.articles import decode_each, make_article, make_headlines, with_safe_links
from news.schema import PAGE_SIZE, Article, Headlines
from news.views import page_of

NOW = datetime(2025, 9, 8, 7, 0, tzinfo=UTC)


def article(**changes: Any) -> Article | None:
    values = {"title": "A title", "url": "https://example.org/a", "published": NOW, "source": "A Paper"}
    return make_article(**{**values, **changes})


def headlines(articles: list[Article | None], *, total: int = 0) -> Headlines:
    return make_headlines(articles, total=total, source="S", attribution="by S", attribution_url="https://s.test/")


def test_texts_are_cleaned() -> None:
    """All of them."""
    made = article(title="<b>A</b> &amp; B", source="P<i>", author="x\x00y", summary="<p>Text</p>")
    assert (made.title, made.source, made.author, made.summary) == ("A & B", "P", "x y", "Text")


def test_the_source_is_not_repeated_in_the_title() -> None:
    """NewsAPI's feeds end titles with it."""
    assert article(title="News - A Paper").title == "News"
    assert article(title="News - Another Paper").title == "News - Another Paper"
    assert article(title="News", source=None).title == "News"


@pytest.mark.parametrize(
    "changes",
    [
        {"title": None},
        {"title": "  "},
        {"title": "<p></p>"},
        {"title": "[Removed]"},
        {"title": "[Removed] - A Paper"},
        {"url": None},
        {"url": "javascript:alert(1)"},
        {"url": "/relative"},
        {"published": None},
    ],
)
def test_what_cannot_be_shown_is_dropped(changes: dict[str, Any]) -> None:
    """Without title, link or date there is no headline."""
    assert article(**changes) is None


def test_headlines_go_from_new_to_old_each_link_once() -> None:
    """Two links that differ by their fragment are one."""
    first = article(url="https://example.org/1", published=NOW - timedelta(hours=1))
    second = article(url="https://example.org/2", published=NOW)
    again = article(url="https://example.org/1#comments", published=NOW + timedelta(hours=1))
    assert headlines([first, None, second, again]).articles == [second, first]


def test_a_page_has_at_most_twenty() -> None:
    """Whatever the provider sends."""
    many = [article(url=f"https://example.org/{i}", published=NOW - timedelta(minutes=i)) for i in range(30)]
    assert headlines(many).articles == many[:20]


@pytest.mark.parametrize(("total", "kept"), [(-5, 0), (0, 0), (38, 38), (10**30, 1_000_000)])
def test_totals_are_bounded(total: int, kept: int) -> None:
    """A number beyond 64 bits could not be stored."""
    assert headlines([], total=total).total == kept


def test_headlines_survive_the_cache() -> None:
    """Encoded and decoded they are equal."""
    value = headlines([article()], total=1)
    for codec in (msgspec.msgpack, msgspec.json):
        assert codec.decode(codec.encode(value), type=Headlines) == value


class Thing(msgspec.Struct):
    n: int


def test_a_broken_article_does_not_cost_the_others() -> None:
    """Each is decoded by itself."""
    raw = [msgspec.Raw(text) for text in (b'{"n": 1}', b'{"n": "x"}', b"null", b"7", b'{"n": 2}')]
    assert decode_each(raw, Thing, source="S") == [Thing(1), Thing(2)]
    assert decode_each([], Thing, source="S") == []


def test_nothing_but_broken_articles_is_malformed() -> None:
    """An empty page would be cached as if it were the news."""
    with pytest.raises(SourceMalformed):
        decode_each([msgspec.Raw(b"null"), msgspec.Raw(b"[]")], Thing, source="S")


def test_only_two_pages_of_articles_are_read() -> None:
    """A provider that sends thousands costs no more than one that sends what was asked for."""
    raw = [msgspec.Raw(b'{"n": 1}')] * (2 * PAGE_SIZE + 1)
    assert len(decode_each(raw, Thing, source="S")) == 2 * PAGE_SIZE


def planted(url: str) -> Headlines:
    good = article(url="https://example.org/good")
    bad = msgspec.structs.replace(good, url=url)
    return msgspec.structs.replace(headlines([good]), articles=[bad, good], attribution_url=url)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)", "data:,x", "//x", ""]
)
def test_links_that_nobody_should_follow_are_not_shown(url: str) -> None:
    """Wherever they come from: whoever writes to the cache must not run code in a visitor's browser."""
    found = with_safe_links(planted(url))
    assert [shown.url for shown in found.articles] == ["https://example.org/good"]
    assert found.attribution_url == ""


def test_the_api_has_only_links_to_follow() -> None:
    """Other sites take them as they are."""
    page = page_of(planted("javascript:alert(1)"), 1)
    assert b"javascript" not in msgspec.json.encode(page)
    assert len(page.items) == 1


def test_good_links_are_shown_as_they_are() -> None:
    """Nothing is changed in what the loaders give."""
    value = headlines([article()], total=1)
    assert with_safe_links(value) == value
