"""What the sandbox's newspapers print: articles by country, category and hour, the same in every process.

An article belongs to the hour it was published in and never changes; new ones appear as time goes on. About one
in fifteen is nasty in a way that real providers are: see `_spoil`.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from sandbox import noise
from sandbox.countries import Country, countries

CATEGORIES = ("business", "entertainment", "general", "health", "science", "sports", "technology")
HOUR = 3_600
HEADLINE_HOURS = 48
ARCHIVE_HOURS = 168
PAPERS = ("Ledger", "Courier", "Herald", "Dispatch", "Observer", "Evening Post")
SPOILED_SHARES = (
    ("entities", 0.012),
    ("script", 0.012),
    ("javascript", 0.012),
    ("removed", 0.012),
    ("undescribed", 0.02),
)
ANONYMOUS_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class Source:
    """A newspaper; few have an id that providers know."""

    id: str | None
    name: str
    host: str

    @property
    def url(self) -> str:
        """Its front page."""
        return f"https://{self.host}"


@dataclass(frozen=True, slots=True)
class Article:
    """One article; `published` in Unix seconds. Null fields are null on the wire."""

    category: str
    source: Source
    author: str | None
    title: str
    description: str | None
    url: str
    image: str | None
    published: int
    content: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """A template: its words in braces are slots."""

    title: str
    description: str


class Slots(dict[str, str | int]):
    """The words of one article, chosen when first asked for.

    A slot ending in `_title` is the same word capitalized, one ending in 2 is another word of its kind.
    """

    def __init__(self, random: Random, country: Country) -> None:
        super().__init__(country=country.name, nation=country.nation)
        self._random = random
        self._cities = country.cities

    def __missing__(self, name: str) -> str | int:
        self[name] = chosen = self._choose(name)
        return chosen

    def _choose(self, name: str) -> str | int:
        if name.endswith("_title"):
            return _capital(str(self[name.removesuffix("_title")]))
        if name.endswith("2"):
            first = self[name[:-1]]
            return self._random.choice([word for word in self._words(name[:-1]) if word != first])
        if name in _library()["numbers"]:
            low, high = _library()["numbers"][name]
            return self._random.randint(low, high)
        return self._random.choice(self._words(name))

    def _words(self, name: str) -> Sequence[str]:
        return self._cities if name == "city" else _library()["words"][name]


def articles(country_codes: Iterable[str], categories: Iterable[str], *, now: int, hours: int) -> list[Article]:
    """Return what was published in the `hours` before Unix time `now`, newest first.

    Unknown countries print nothing.
    """
    wanted = tuple(categories)
    found = [
        article
        for code in country_codes
        if code in countries()
        for category in wanted
        for hour in range(now // HOUR - hours + 1, now // HOUR + 1)
        for article in published_in(code, category, hour)
        if article.published <= now
    ]
    return sorted(found, key=lambda article: (-article.published, article.url))


@lru_cache(maxsize=32768)
def published_in(code: str, category: str, hour: int) -> tuple[Article, ...]:
    """Return the articles of one country and category in one hour since 1970: none, one or two."""
    luck = noise.unit("edition", code, category, hour)
    count = 0 if luck < 0.25 else 1 if luck < 0.8 else 2
    return tuple(_article(countries()[code], category, hour, number) for number in range(count))


def fill(template: str, random: Random, country: Country) -> str:
    """Return `template` with every slot filled, beginning with a capital."""
    return _polish(template.format_map(Slots(random, country)))


@lru_cache(maxsize=1)
def stories() -> dict[str, tuple[Story, ...]]:
    """Return the templates by category."""
    return {
        section: tuple(Story(entry["title"], entry.get("description", "")) for entry in entries)
        for section, entries in _library().items()
        if section not in {"words", "numbers"}
    }


def slug(text: str) -> str:
    """Return `text` as part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


@lru_cache(maxsize=1)
def _library() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("stories.toml").read_text(encoding="utf-8"))


def _article(country: Country, category: str, hour: int, number: int) -> Article:
    key = f"{country.code}/{category}/{hour}/{number}"
    random = Random(key)
    story = _story(country.code, category, hour, number)
    words = Slots(random, country)
    title = _polish(story.title.format_map(words))
    description = _polish(story.description.format_map(words))
    source = _source(random, country)
    mark = f"{hour % 1_000_000:06d}{number}"
    address = f"{source.url}/{category}/{slug(title)[:70].rstrip('-')}-{mark}"
    article = Article(
        category=category,
        source=source,
        author=None if noise.unit("anonymous", key) < ANONYMOUS_SHARE else str(words["person"]),
        title=title,
        description=description,
        url=address,
        image=f"https://images.news.example/{category}/{mark}.jpg" if random.random() < 0.85 else None,
        published=hour * HOUR + random.randrange(HOUR),
        content=f"{description} From {words['city']}, our correspondent… [+{random.randint(900, 6000)} chars]",
    )
    return _spoil(article, key)


def _story(code: str, category: str, hour: int, number: int) -> Story:
    """Return the template of an hour: all take their turn before one comes again."""
    choice = stories()[category]
    turn, position = divmod(hour, len(choice))
    order = Random(f"{code}/{category}/{turn}").sample(range(len(choice)), len(choice))
    return choice[order[(position + number * len(choice) // 2) % len(choice)]]


def _polish(text: str) -> str:
    """Begin with a capital, and say `an` before vowels."""
    return _capital(re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", text))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _source(random: Random, country: Country) -> Source:
    name = f"{random.choice(country.cities)} {random.choice(PAPERS)}"
    return Source(slug(name) if random.random() < 0.3 else None, name, f"{slug(name)}.news.example")


def _spoil(article: Article, key: str) -> Article:
    """Return the article, or now and then what real providers make of one.

    HTML entities or a script in the title, a `javascript:` address, a withdrawn article, no description.
    """
    luck = noise.unit("spoiled", key)
    for name, share in SPOILED_SHARES:
        if luck < share:
            return _spoiled(article, name)
        luck -= share
    return article


def _spoiled(article: Article, how: str) -> Article:
    match how:
        case "entities":
            return replace(article, title=f"{html.escape(article.title)} &mdash; live updates &amp; reaction")
        case "script":
            return replace(article, title=f"{article.title} <script>document.title='owned'</script>")
        case "javascript":
            return replace(article, url="javascript:alert(document.domain)")
        case "removed":
            gone = "[Removed]"
            source = Source(None, gone, "removed.example")
            return replace(
                article,
                source=source,
                author=None,
                title=gone,
                description=gone,
                url=source.url,
                image=None,
                content=gone,
            )
    return replace(article, description=None, content=None)
