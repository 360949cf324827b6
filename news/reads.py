"""The news through the cache: what pages and the API call."""

from __future__ import annotations

from typing import Any

from cache_platform import Read, read
from news import providers
from news.policies import HEADLINES
from news.queries import DEFAULT_CATEGORY, DEFAULT_COUNTRY
from news.schema import Headlines


def read_headlines(
    category: str, country: str, q: str = "", page: int = 1, *, caller: str | None = None
) -> Read[Headlines]:
    """A page of headlines. The values are those of news.queries. Raises SourceError and LoadRefused."""
    return read(HEADLINES, headlines_params(category, country, q, page), load, caller=caller)


def headlines_params(category: str, country: str, q: str = "", page: int = 1) -> dict[str, Any]:
    """The parameters of the entry that holds that page."""
    if not providers.has_filters():
        category, country = DEFAULT_CATEGORY, DEFAULT_COUNTRY  # one entry, since the provider gives the same for all
    return {"provider": providers.provider_name(), "category": category, "country": country, "q": q, "page": page}


def load(*, provider: str, category: str, country: str, q: str, page: int) -> Headlines:  # noqa: ARG001  # in the key
    """The loader of HEADLINES. Raises SourceError."""
    return providers.load_headlines(category, country, q, page)
