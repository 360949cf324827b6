"""Hacker News (https://github.com/HackerNews/API): needs no key, and knows neither categories nor countries.

Its top stories are technology for readers everywhere: `category` and `country` are ignored, `q` is looked for in
the titles of the first hundred.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

from msgspec import Struct

from cache_platform.deadlines import Deadline
from cache_platform.exceptions import SourceError
from cache_platform.sources import JsonSource
from news.addresses import base_url
from news.articles import make_article, make_headlines
from news.queries import normalise
from news.schema import PAGE_SIZE, Article, Headlines

NAME = "Hacker News"
ATTRIBUTION = "Stories by Hacker News"
ATTRIBUTION_URL = "https://news.ycombinator.com/"
PUBLIC_URL = "https://hacker-news.firebaseio.com"
DISCUSSION_URL = "https://news.ycombinator.com/item?id="
SEARCHED_STORIES = 100
CONCURRENT_CALLS = 20  # a page at once


class _Item(Struct):
    id: int
    title: str | None = None
    url: str | None = None
    by: str | None = None
    text: str | None = None
    time: int | None = None
    dead: bool = False
    deleted: bool = False


source = JsonSource(NAME, lambda: base_url(PUBLIC_URL))


def load_headlines(category: str, country: str, q: str, page: int) -> Headlines:  # noqa: ARG001 - see the module
    """A page of the top stories: a list, then each story, all within one deadline. Raises SourceError."""
    deadline = source.deadline()
    ids = source.get("/v0/topstories.json", schema=list[int], deadline=deadline)
    of_page = slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)
    if q:
        articles = [article for article in _articles(ids[:SEARCHED_STORIES], deadline) if _matches(article, q)]
        total, articles = len(articles), articles[of_page]
    else:
        total, articles = len(ids), _articles(ids[of_page], deadline)
    return make_headlines(articles, total=total, source=NAME, attribution=ATTRIBUTION, attribution_url=ATTRIBUTION_URL)


def _articles(ids: list[int], deadline: Deadline) -> list[Article]:
    """The stories that came in time. When more than half did not, the first one's error is raised instead."""
    if not ids:
        return []
    with ThreadPoolExecutor(max_workers=CONCURRENT_CALLS, thread_name_prefix="hackernews") as pool:
        outcomes = list(pool.map(partial(_item, deadline=deadline), ids))
    errors = [outcome for outcome in outcomes if isinstance(outcome, SourceError)]
    if 2 * len(errors) > len(outcomes):
        raise errors[0]
    cleaned = [_cleaned(outcome) for outcome in outcomes if isinstance(outcome, _Item)]
    return [article for article in cleaned if article is not None]


def _item(item_id: int, *, deadline: Deadline) -> _Item | SourceError:
    try:
        return source.get(f"/v0/item/{item_id}.json", schema=_Item, deadline=deadline, part=True)
    except SourceError as error:
        return error


def _cleaned(item: _Item) -> Article | None:
    if item.dead or item.deleted:
        return None
    return make_article(
        title=item.title,
        url=item.url or f"{DISCUSSION_URL}{item.id}",
        published=_moment(item.time),
        source=NAME,
        author=item.by,
        summary=item.text,
    )


def _moment(seconds: int | None) -> datetime | None:
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _matches(article: Article, q: str) -> bool:
    title = normalise(article.title)
    return all(word in title for word in q.split())
