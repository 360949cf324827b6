"""From what a provider sends to a page of headlines: the rules that all providers share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar
from urllib.parse import urldefrag

import msgspec
from msgspec.structs import replace

from cache_platform.exceptions import SourceMalformed
from news.cleaning import MAX_NAME, MAX_SUMMARY, MAX_TITLE, clean_link, clean_text
from news.schema import PAGE_SIZE, Article, Headlines

T = TypeVar("T")

REMOVED = "[removed]"  # how NewsAPI marks an article that its publisher took back
MAX_TOTAL = 1_000_000
MAX_ARTICLES = 2 * PAGE_SIZE  # more than that are not what was asked for


def decode_each(raw_articles: list[msgspec.Raw], schema: type[T], *, source: str) -> list[T]:
    """Those of the first MAX_ARTICLES that fit `schema`: one that is broken does not cost the others.

    Raises SourceMalformed when there are some and none fits.
    """
    decoded = []
    for raw in raw_articles[:MAX_ARTICLES]:
        try:
            decoded.append(msgspec.json.decode(raw, type=schema))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    if raw_articles and not decoded:
        raise SourceMalformed(source, "no article is what was promised")
    return decoded


def make_article(
    *,
    title: str | None,
    url: str | None,
    published: datetime | None,
    source: str | None = None,
    author: str | None = None,
    summary: str | None = None,
) -> Article | None:
    """The cleaned article; None when it has no title, link or date, or was removed.

    Without a date it has no place in a list that goes from the newest to the oldest.
    """
    link = clean_link(url)
    name = clean_text(source, limit=MAX_NAME)
    heading = clean_text(title, limit=MAX_TITLE)
    if name:
        heading = heading.removesuffix(f" - {name}")  # the feeds of NewsAPI repeat the source there
    if not heading or heading.lower() == REMOVED or link is None or published is None:
        return None
    return Article(
        title=heading,
        url=link,
        source=name,
        author=clean_text(author, limit=MAX_NAME),
        summary=clean_text(summary, limit=MAX_SUMMARY),
        published=published,
    )


def with_safe_links(headlines: Headlines) -> Headlines:
    """`headlines` as they may be shown: without articles whose link nobody should follow, and without such a credit.

    Loaders give no such links. Entries of a cache that somebody else wrote to may have them.
    """
    return replace(
        headlines,
        articles=[article for article in headlines.articles if clean_link(article.url) == article.url],
        attribution_url=clean_link(headlines.attribution_url) or "",
    )


def make_headlines(
    articles: Iterable[Article | None], *, total: int, source: str, attribution: str, attribution_url: str
) -> Headlines:
    """The articles that are there, each link once, newest first, at most a page of them."""
    by_link: dict[str, Article] = {}
    for article in articles:
        if article is not None:
            by_link.setdefault(urldefrag(article.url).url, article)
    newest_first = sorted(by_link.values(), key=lambda article: article.published, reverse=True)
    return Headlines(
        articles=newest_first[:PAGE_SIZE],
        total=min(max(total, 0), MAX_TOTAL),
        source=source,
        attribution=attribution,
        attribution_url=attribution_url,
    )
