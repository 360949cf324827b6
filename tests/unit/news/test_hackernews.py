"""Hacker News: a list and many items, within one deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from cache_platform.exceptions import SourceMalformed, SourceRateLimited, SourceTimeout, SourceUnavailable
from news import hackernews
from news.schema import Headlines
from tests.unit.provider_double import Clock

IDS = list(range(1000, 1250))


def item(number: int, **changes: Any) -> dict[str, Any]:
    values = {
        "by": "ada",
        "descendants": 3,
        "id": number,
        "score": 9,
        "time": 1757314800 + number,
        "title": f"Story {number} about Python" if number % 10 == 0 else f"Story {number}",
        "type": "story",
        "url": f"https://story.example/{number}",
    }
    return {**values, **changes}


def load(
    answer: Callable[[int], httpx.Response] = lambda number: httpx.Response(200, json=item(number)),
    *,
    ids: Any = IDS,
    q: str = "",
    page: int = 1,
) -> Headlines:
    """Headlines, where `answer` gives each item."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v0/topstories.json":
            return httpx.Response(200, json=ids)
        return answer(int(request.url.path.removeprefix("/v0/item/").removesuffix(".json")))

    with hackernews.source.through(httpx.MockTransport(handle)):
        return hackernews.load_headlines("general", "us", q, page)


def numbers(headlines: Headlines) -> list[int]:
    return [int(article.url.rpartition("/")[2]) for article in headlines.articles]


def test_a_page_is_twenty_stories_newest_first() -> None:
    """The second page is the next twenty of the list; the total is the list's length."""
    first, second = load(), load(page=2)
    assert numbers(first) == list(range(1019, 999, -1))
    assert numbers(second) == list(range(1039, 1019, -1))
    assert first.total == 250
    article = first.articles[-1]
    assert (article.title, article.author, article.source) == ("Story 1000 about Python", "ada", "Hacker News")
    assert article.published == datetime.fromtimestamp(1757315800, UTC)


def test_a_page_beyond_the_list_is_empty() -> None:
    """No calls, no error."""
    assert load(ids=IDS[:20], page=2).articles == []
    assert load(ids=[]).articles == []


def test_words_are_looked_for_in_the_titles_of_the_first_hundred() -> None:
    """All words, in any order and case."""
    found = load(q="python story")
    assert numbers(found) == list(range(1090, 990, -10))
    assert found.total == 10
    assert load(q="python story", page=2).articles == []
    assert load(q="cobol").total == 0


def test_a_story_without_link_leads_to_its_discussion() -> None:
    """Questions to the readers have none; their text becomes the summary."""
    headlines = load(lambda number: httpx.Response(200, json=item(number, url=None, text="<p>Why &amp; how?")))
    assert headlines.articles[-1].url == "https://news.ycombinator.com/item?id=1000"
    assert headlines.articles[-1].summary == "Why & how?"


@pytest.mark.parametrize(
    "changes",
    [
        {"dead": True},
        {"deleted": True, "title": None},
        {"url": "javascript:alert(1)"},
        {"time": None},
        {"time": 10**15},
        {"time": -(10**18)},
        {"title": None},
    ],
)
def test_unusable_stories_are_dropped(changes: dict[str, Any]) -> None:
    """The other nineteen stay."""
    headlines = load(lambda number: httpx.Response(200, json=item(number, **(changes if number == 1005 else {}))))
    assert 1005 not in numbers(headlines)
    assert len(headlines.articles) == 19


@pytest.mark.parametrize(
    "broken",
    [
        httpx.Response(500),
        httpx.Response(404),
        httpx.Response(200, json=None),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json={"id": "x"}),
        httpx.Response(200, json={"id": 5, "time": "now"}),
    ],
)
def test_up_to_half_of_the_stories_may_fail(broken: httpx.Response) -> None:
    """A story that was removed a moment ago answers null."""
    headlines = load(lambda number: broken if number < 1010 else httpx.Response(200, json=item(number)))
    assert numbers(headlines) == list(range(1019, 1009, -1))


def test_when_most_stories_fail_the_load_fails() -> None:
    """A page of nine would else be kept as the news."""
    with pytest.raises(SourceUnavailable):
        load(lambda number: httpx.Response(503) if number < 1011 else httpx.Response(200, json=item(number)))
    with pytest.raises(SourceRateLimited):
        load(lambda number: httpx.Response(429))


@pytest.mark.parametrize("ids", [None, {}, "x", [1, "2"], [1.5]])
def test_a_wrong_list_is_malformed(ids: Any) -> None:
    """Numbers were promised."""
    with pytest.raises(SourceMalformed):
        load(ids=ids)


def test_stories_are_asked_for_at_the_same_time() -> None:
    """A page takes as long as its slowest story: all twenty calls are under way before the first one ends."""
    together = threading.Barrier(20, timeout=30)

    def answer(number: int) -> httpx.Response:
        together.wait()
        return httpx.Response(200, json=item(number))

    assert len(load(answer).articles) == 20


def test_the_list_and_all_stories_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a search's hundred stories those that are not in before it are given up."""
    clock = Clock()
    monkeypatch.setattr(hackernews.source, "_clock", clock)
    asked: list[int] = []
    lock = threading.Lock()

    def answer(number: int) -> httpx.Response:
        with lock:
            asked.append(number)
            clock.advance(0.1)
        return httpx.Response(200, json=item(number))

    with pytest.raises(SourceTimeout):
        load(answer, q="story")
    assert len(asked) < 50


def test_no_thread_is_left_behind() -> None:
    """The pool ends with the load, in good times and bad."""
    before = threading.active_count()
    load()
    with pytest.raises(SourceUnavailable):
        load(lambda number: httpx.Response(503))
    assert threading.active_count() == before
