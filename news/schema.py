"""News as the site keeps them: plain text, links, no images."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

PAGE_SIZE = 20


class Article(Struct, frozen=True, kw_only=True):
    """A headline. All texts are plain, not HTML; `url` is http or https; `published` is in UTC."""

    title: str
    url: str
    source: str
    author: str
    summary: str
    published: datetime


class Headlines(Struct, frozen=True, kw_only=True):
    """One page of headlines, newest first. `total` counts what the provider has on all pages."""

    articles: list[Article]
    total: int
    source: str
    attribution: str
    attribution_url: str
