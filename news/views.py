"""The news over REST."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from cache_platform.rest.schema import HEADERS, cached_responses
from cache_platform.rest.throttles import RateLimitThrottle
from cache_platform.rest.views import PublicCachedView
from news.articles import with_safe_links
from news.policies import HEADLINES
from news.queries import (
    CATEGORIES,
    COUNTRIES,
    DEFAULT_COUNTRY,
    MAX_PAGE,
    MAX_QUERY,
    parse_category,
    parse_country,
    parse_page,
    parse_q,
)
from news.reads import read_headlines
from news.schema import Article, Headlines

QUERY = {"type": "string", "maxLength": MAX_QUERY, "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"}


class HeadlinesPage(Struct, frozen=True, kw_only=True):
    """A list as the API gives it, with where it comes from."""

    items: list[Article]
    total: int
    page: int
    source: str
    attribution: str
    attribution_url: str


def page_of(headlines: Headlines, page: int) -> HeadlinesPage:
    """`headlines` as page number `page`."""
    headlines = with_safe_links(headlines)
    return HeadlinesPage(
        items=headlines.articles,
        total=headlines.total,
        page=page,
        source=headlines.source,
        attribution=headlines.attribution,
        attribution_url=headlines.attribution_url,
    )


class SearchThrottle(RateLimitThrottle):
    """Searches reach the provider more often than the pages that everybody reads."""

    preset = "search"


class NewsView(PublicCachedView):
    """Headlines."""

    def get_throttles(self) -> list[BaseThrottle]:
        """Searches are limited, cached or not; pages without `q` are not."""
        return [SearchThrottle()] if self.request.query_params.get("q") else []

    @extend_schema(
        operation_id="news",
        parameters=[
            OpenApiParameter("category", str, enum=list(CATEGORIES), default="general"),
            OpenApiParameter("country", str, enum=sorted(COUNTRIES), default=DEFAULT_COUNTRY),
            OpenApiParameter("q", QUERY, description="Search words"),
            OpenApiParameter("page", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 1}),
            *HEADERS,
        ],
        responses=cached_responses(HeadlinesPage),
        extensions={"x-rate-limit": SearchThrottle.preset},
    )
    def get(self, request: Request) -> HttpResponse:
        """A page of headlines, newest first."""
        query = request.query_params
        category, country = parse_category(query.get("category")), parse_country(query.get("country"))
        q, page = parse_q(query.get("q")), parse_page(query.get("page"))
        found = read_headlines(category, country, q, page, caller=self.caller(request))
        return self.respond(request, HEADLINES, found, lambda headlines: page_of(headlines, page))
