"""NewsAPI v2, top headlines (https://newsapi.org/docs/endpoints/top-headlines)."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from cache_platform.sources import JsonSource
from news.addresses import api_key, base_url
from news.articles import decode_each, make_article, make_headlines
from news.cleaning import parse_date
from news.schema import PAGE_SIZE, Article, Headlines

NAME = "NewsAPI"
ATTRIBUTION = "Powered by NewsAPI.org"
ATTRIBUTION_URL = "https://newsapi.org/"
PUBLIC_URL = "https://newsapi.org"


class _Source(Struct):
    name: str | None = None


class _Article(Struct, rename={"published_at": "publishedAt"}):
    """`urlToImage` is not read: hot-linked images would tell others who reads what."""

    title: str | None = None
    url: str | None = None
    source: _Source | None = None
    author: str | None = None
    description: str | None = None
    published_at: str | None = None


class _Answer(Struct, rename={"total": "totalResults"}):
    status: Literal["ok"]
    total: int
    articles: list[msgspec.Raw]


class _Refusal(Struct):
    code: str = ""
    message: str = ""


def _explain(body: bytes) -> str:
    refusal = msgspec.json.decode(body, type=_Refusal)
    return f"{refusal.code} {refusal.message}".strip()


source = JsonSource(NAME, lambda: base_url(PUBLIC_URL), explain=_explain)


def load_headlines(category: str, country: str, q: str, page: int) -> Headlines:
    """A page of top headlines. Raises SourceError."""
    params: dict[str, str | int] = {"country": country, "category": category, "pageSize": PAGE_SIZE, "page": page}
    if q:
        params["q"] = q
    answer = source.get("/v2/top-headlines", schema=_Answer, params=params, headers={"X-Api-Key": api_key()})
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
        author=article.author,
        summary=article.description,
        published=parse_date(article.published_at),
    )
