"""Which provider the news come from, by NEWS_PROVIDER; all of them behind one interface."""

from __future__ import annotations

from typing import Protocol

from django.conf import settings

from news import gnews, hackernews, newsapi
from news.schema import Headlines


class NewsProvider(Protocol):
    """What each provider's module offers."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """How readers know the provider."""

    def load_headlines(self, category: str, country: str, q: str, page: int) -> Headlines:
        """A page (from 1) of 20 headlines. Takes values that news.queries has checked. Raises SourceError."""


_PROVIDERS: dict[str, NewsProvider] = {"newsapi": newsapi, "gnews": gnews, "hackernews": hackernews}
_WITHOUT_FILTERS = frozenset({"hackernews"})


def provider_name() -> str:
    """NEWS_PROVIDER; when absent, NewsAPI in the sandbox and Hacker News, which needs no key, in the world."""
    return str(settings.NEWS_PROVIDER or ("newsapi" if settings.PROVIDERS == "sandbox" else "hackernews"))


def get_provider() -> NewsProvider:
    """The provider that the settings choose."""
    return _PROVIDERS[provider_name()]


def has_filters() -> bool:
    """Whether the provider looks at category and country. Where it does not, keys need not differ by them."""
    return provider_name() not in _WITHOUT_FILTERS


def load_headlines(category: str, country: str, q: str, page: int) -> Headlines:
    """A page of headlines from the provider that the settings choose. Raises SourceError."""
    return get_provider().load_headlines(category, country, q, page)
