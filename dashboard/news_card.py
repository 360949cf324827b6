"""The news card: what it shows, from the read that it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboard.answers import Answer, Outcome
from dashboard.choices import Choice
from dashboard.links import Link, card_url, link_to, page_url
from dashboard.status import Status, status_of
from dashboard.wording import absolute, published
from news import providers
from news.articles import with_safe_links
from news.queries import CATEGORIES
from news.schema import Article, Headlines

FIRST_STORIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One headline. `number` counts from 1."""

    number: int
    title: str
    url: str
    source: str
    summary: str
    published: str
    published_iso: str
    published_title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsCard:
    """All that the template needs. `tabs` is empty where the provider knows no categories; `more_stories` are folded
    away at first. `found` says what a search brought, and `all` leads back from it."""

    choice: Choice
    page_url: str
    card_url: str
    status: Status
    tabs: list[Link]
    stories: list[Story]
    more_stories: list[Story]
    attribution: str
    attribution_url: str
    found: str
    all: Link


def news_card(choice: Choice, headlines: Outcome[Headlines], *, now: datetime) -> NewsCard:
    """The card for what came of the read."""
    found = with_safe_links(headlines.value) if isinstance(headlines, Answer) else None
    stories = [_story(n, article, now) for n, article in enumerate(found.articles, 1)] if found else []
    names = CATEGORIES if providers.has_filters() else ()
    return NewsCard(
        choice=choice,
        page_url=page_url(choice),
        card_url=card_url("news", choice),
        status=status_of([headlines], providers.get_provider().NAME, now),
        tabs=[link_to("news", choice, "category", name, name.capitalize()) for name in names],
        stories=stories[:FIRST_STORIES],
        more_stories=stories[FIRST_STORIES:],
        attribution=found.attribution if found else "",
        attribution_url=found.attribution_url if found else "",
        found=_found(choice, found) if found and choice.words else "",
        all=link_to("news", choice, "words", "", "Show all"),
    )


def _found(choice: Choice, headlines: Headlines) -> str:
    """What a search brought, in words; the provider may have more than it gives on its first page."""
    where = f" in {choice.category.capitalize()}" if providers.has_filters() else ""
    if not headlines.articles:
        return f"No headlines with “{choice.words}”{where}."
    most = max(headlines.total, len(headlines.articles))
    of = f" of {most}" if most > len(headlines.articles) else ""
    noun = "headline" if most == 1 else "headlines"
    return f"{len(headlines.articles)}{of} {noun} with “{choice.words}”{where}."


def _story(number: int, article: Article, now: datetime) -> Story:
    return Story(
        number=number,
        title=article.title,
        url=article.url,
        source=article.source,
        summary=article.summary,
        published=published(article.published, now),
        published_iso=article.published.isoformat(timespec="seconds"),
        published_title=absolute(article.published),
    )
