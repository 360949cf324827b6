"""GNews version 4: `GET /api/v4/top-headlines`.

Wire format: https://docs.gnews.io. Any key is good but `invalid` (401) and `exhausted` (403, the day's quota).
"""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse

from sandbox.news import iso_second
from sandbox.newswire import CATEGORIES, HEADLINE_HOURS, Article, articles
from sandbox.providers import Provider, provided_by
from sandbox.queries import matcher
from sandbox.replies import Endless, json_reply

WORLDLY = {"world", "nation"}
MOST = 100


class GNewsRequestError(ValueError):
    """The request cannot be answered: what is in `errors` on the wire, and the HTTP status."""

    def __init__(self, errors: list[str] | dict[str, str], status: int) -> None:
        super().__init__(str(errors))
        self.errors = errors
        self.status = status


def refused(errors: list[str] | dict[str, str], status: int) -> HttpResponse:
    """Return an error in GNews's form: a list of messages, or a message by parameter."""
    return json_reply({"errors": errors}, status=status)


GNEWS = Provider(
    service="news",
    broken=lambda: refused(["An unexpected error occurred. Please try again later."], 500),
    rate_limited=lambda: refused(["You have made too many requests in a short period of time. Please slow down."], 429),
    huge=Endless(
        head='{"totalArticles":54904,"articles":[',
        item='{"title":"The same story again","description":"And again.","content":"And again.",'
        '"url":"https://berlin-ledger.news.example/again","image":null,"publishedAt":"2025-09-08T07:00:00Z",'
        '"source":{"name":"Berlin Ledger","url":"https://berlin-ledger.news.example"}}',
        tail="]}",
    ),
)


@provided_by(GNEWS)
async def top_headlines(request: HttpRequest) -> HttpResponse:
    """Return the last two days' articles of a country (the United States unless given) and category."""
    query = request.GET
    try:
        _check_key(query.get("apikey") or request.headers.get("X-Api-Key"))
        categories, most = _categories(query.get("category", "general")), _most(query.get("max", "10"))
    except GNewsRequestError as error:
        return refused(error.errors, error.status)
    found = articles([query.get("country", "us")], categories, now=int(time.time()), hours=HEADLINE_HOURS)
    accepts = matcher(query.get("q", ""))
    found = [article for article in found if accepts(f"{article.title} {article.description or ''}")]
    first = (_page_number(query.get("page", "1")) - 1) * most
    shown = [_wire(article) for article in found[first : first + most]]
    return json_reply({"totalArticles": len(found), "articles": shown})


def _check_key(key: str | None) -> None:
    if not key:
        raise GNewsRequestError(["You did not provide an API key."], 401)
    if key == "invalid":
        raise GNewsRequestError(["Your API key is invalid."], 401)
    if key == "exhausted":
        raise GNewsRequestError(
            ["You have reached your request limit for today, the next reset will be tomorrow at midnight UTC."],
            403,
        )


def _categories(name: str) -> list[str]:
    if name not in WORLDLY and name not in CATEGORIES:
        raise GNewsRequestError({"category": "The category is not valid."}, 400)
    return ["general" if name in WORLDLY else name]


def _most(given: str) -> int:
    if not given.isdecimal() or not 1 <= int(given) <= MOST:
        raise GNewsRequestError({"max": f"The max must be a number between 1 and {MOST}."}, 400)
    return int(given)


def _page_number(given: str) -> int:
    return int(given) if given.isdecimal() and int(given) else 1


def _wire(article: Article) -> dict[str, object]:
    return {
        "title": article.title,
        "description": article.description,
        "content": article.content,
        "url": article.url,
        "image": article.image,
        "publishedAt": iso_second(article.published),
        "source": {"name": article.source.name, "url": article.source.url},
    }
