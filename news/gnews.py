"""GNews v4, top headlines (https://docs.gnews.io/endpoints/top-headlines-endpoint).

Its free plan answers with 10 articles at most and without further pages; it knows fewer countries than NewsAPI and
refuses the others.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from cache_platform.sources import JsonSource
from news.addresses import api_key, base_url
from news.articles import decode_each, make_article, make_headlines
from news.cleaning import parse_date
from news.schema import PAGE_SIZE, Article, Headlines

NAME = "GNews"
ATTRIBUTION = "News by GNews.io"
ATTRIBUTION_URL = "https://gnews.io/"
PUBLIC_URL = "https://gnews.io"


class _Source(Struct):
    name: str | None = None


class _Article(Struct, rename={"published_at": "publishedAt"}):
    """`image` is not read: hot-linked images would tell others who reads what."""

    title: str | None = None
    url: str | None = None
    source: _Source | None = None
    description: str | None = None
    published_at: str | None = None


class _Answer(Struct, rename={"total": "totalArticles"}):
    total: int
    articles: list[msgspec.Raw]


class _Refusal(Struct):
    errors: list[str] | dict[str, str]


def _explain(body: bytes) -> str:
    errors = msgspec.json.decode(body, type=_Refusal).errors
    if isinstance(errors, dict):
        return " ".join(f"{field}: {message}" for field, message in errors.items())
    return " ".join(errors)


# 403 is how GNews says that the day's quota is used up.
source = JsonSource(NAME, lambda: base_url(PUBLIC_URL), explain=_explain, quota_statuses=frozenset({403, 429}))


def load_headlines(category: str, country: str, q: str, page: int) -> Headlines:
    """A page of top headlines. Raises SourceError."""
    params: dict[str, str | int] = {"category": category, "country": country, "max": PAGE_SIZE, "page": page}
    if q:
        params["q"] = q
    answer = source.get("/api/v4/top-headlines", schema=_Answer, params=params, headers={"X-Api-Key": api_key()})
    return make_headlines(
        map(_cleaned, decode_each(answer.articles, _Article, source=NAME)),
        total=answer.total,
        source=NAME,
        attribution=ATTRIBUTION,
        attribution_url=ATTRIBUTION_URL,
    )


def _cleaned(article: _Article) -> Article | None:
    return make_article(
        title=article.title,
        url=article.url,
        source=article.source.name if article.source else None,
        summary=article.description,
        published=parse_date(article.published_at),
    )
