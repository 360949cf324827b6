"""NewsAPI version 2: `GET /v2/top-headlines` and `GET /v2/everything`.

Wire format: https://newsapi.org/docs. Any key is good but `invalid`. As with a developer's key, results beyond
the hundredth are refused with 426. Results are always newest first; all of them are in English.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse, QueryDict

from sandbox.newswire import ARCHIVE_HOURS, CATEGORIES, HEADLINE_HOURS, Article, articles
from sandbox.providers import Provider, provided_by
from sandbox.queries import matcher
from sandbox.replies import Endless, json_reply

DEVELOPER_LIMIT = 100
ARCHIVE_COUNTRIES = ("us", "gb")
HEADLINE_PARAMETERS = "sources, q, language, country, category"
ARCHIVE_PARAMETERS = "q, qInTitle, sources, domains"


class NewsRequestError(ValueError):
    """The request cannot be answered: NewsAPI's code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def refused(code: str, message: str, status: int) -> HttpResponse:
    """Return an error in NewsAPI's form."""
    return json_reply({"status": "error", "code": code, "message": message}, status=status)


NEWSAPI = Provider(
    service="news",
    broken=lambda: refused(
        "unexpectedError", "Something went wrong on our end. Please try again or contact support.", 500
    ),
    rate_limited=lambda: refused(
        "rateLimited",
        "You have made too many requests recently. Developer accounts are limited to 100 requests over a 24 hour "
        "period (50 requests available every 12 hours). Please upgrade to a paid plan if you need more requests.",
        429,
    ),
    huge=Endless(
        head='{"status":"ok","totalResults":38,"articles":[',
        item='{"source":{"id":null,"name":"Berlin Ledger"},"author":null,"title":"The same story again",'
        '"description":"And again.","url":"https://berlin-ledger.news.example/again","urlToImage":null,'
        '"publishedAt":"2025-09-08T07:00:00Z","content":null}',
        tail="]}",
    ),
)


@provided_by(NEWSAPI)
async def top_headlines(request: HttpRequest) -> HttpResponse:
    """Return the last two days' articles of a country (the United States unless given) and category."""
    query = request.GET
    try:
        _check_key(request)
        _require(query, HEADLINE_PARAMETERS, "")
        category = query.get("category", "").lower()
        if category and category not in CATEGORIES:
            raise NewsRequestError("parameterInvalid", f"The category param must be one of {', '.join(CATEGORIES)}.")
        found = articles(
            [query.get("country", "us").lower()],
            [category] if category else CATEGORIES,
            now=int(time.time()),
            hours=HEADLINE_HOURS,
        )
        return _page(query, _filtered(found, query), default_size=20)
    except NewsRequestError as error:
        return refused(error.code, str(error), error.status)


@provided_by(NEWSAPI)
async def everything(request: HttpRequest) -> HttpResponse:
    """Return the last week's articles of all categories that match the query."""
    query = request.GET
    try:
        _check_key(request)
        _require(query, ARCHIVE_PARAMETERS, ", the scope of your search is too broad")
        found = articles(ARCHIVE_COUNTRIES, CATEGORIES, now=int(time.time()), hours=ARCHIVE_HOURS)
        return _page(query, _filtered(found, query), default_size=100)
    except NewsRequestError as error:
        return refused(error.code, str(error), error.status)


def iso_second(seconds: int) -> str:
    """Return Unix time as `2025-09-08T07:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check_key(request: HttpRequest) -> None:
    key = request.headers.get("X-Api-Key") or request.GET.get("apiKey")
    if not key:
        raise NewsRequestError(
            "apiKeyMissing",
            "Your API key is missing. Append this to the URL with the apiKey param, or use the x-api-key HTTP header.",
            401,
        )
    if key == "invalid":
        raise NewsRequestError(
            "apiKeyInvalid",
            "Your API key is invalid or incorrect. Check your key, or go to https://newsapi.org "
            "to create a free API key.",
            401,
        )


def _require(query: QueryDict, parameters: str, why: str) -> None:
    if not any(query.get(name) for name in parameters.split(", ")):
        raise NewsRequestError(
            "parametersMissing",
            f"Required parameters are missing{why}. Please set any of the following parameters and try again: "
            f"{parameters}.",
        )


def _filtered(found: list[Article], query: QueryDict) -> list[Article]:
    """Return the articles that match q, qInTitle, sources, domains and language."""
    if query.get("language", "en") != "en":
        return []
    anywhere, in_title = matcher(query.get("q", "")), matcher(query.get("qInTitle", ""))
    sources, domains = _listed(query, "sources"), _listed(query, "domains")
    return [
        article
        for article in found
        if anywhere(f"{article.title} {article.description or ''}")
        and in_title(article.title)
        and (not sources or article.source.id in sources)
        and (not domains or article.source.host in domains)
    ]


def _listed(query: QueryDict, name: str) -> set[str]:
    return {part.strip() for part in query.get(name, "").split(",") if part.strip()}


def _page(query: QueryDict, found: list[Article], *, default_size: int) -> HttpResponse:
    size = _whole(query, "pageSize", default_size)
    page = _whole(query, "page", 1)
    if size > DEVELOPER_LIMIT:
        raise NewsRequestError(
            "parameterInvalid", f"The pageSize parameter cannot be greater than 100. You have requested {size}."
        )
    first, last = (page - 1) * size, page * size
    if last > DEVELOPER_LIMIT:
        raise NewsRequestError(
            "maximumResultsReached",
            "You have requested too many results. Developer accounts are limited to a max of 100 results. "
            f"You are trying to request results {first} to {last}. "
            "Please upgrade to a paid plan if you need more results.",
            426,
        )
    shown = [_wire(article) for article in found[first:last]]
    return json_reply({"status": "ok", "totalResults": len(found), "articles": shown})


def _whole(query: QueryDict, name: str, default: int) -> int:
    given = query.get(name, str(default))
    try:
        value = int(given)
    except ValueError:
        raise NewsRequestError("parameterInvalid", f"The {name} parameter must be a whole number.") from None
    if value < 1:
        raise NewsRequestError(
            f"{name}CannotBeLessThanOne",
            f"The {name} parameter cannot be less than 1. You have requested {value}.",
        )
    return value


def _wire(article: Article) -> dict[str, object]:
    return {
        "source": {"id": article.source.id, "name": article.source.name},
        "author": article.author,
        "title": article.title,
        "description": article.description,
        "url": article.url,
        "urlToImage": article.image,
        "publishedAt": iso_second(article.published),
        "content": article.content,
    }
