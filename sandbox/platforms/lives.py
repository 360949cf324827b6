"""Who did what when, on which platform: the same moments in every process and on every day."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from sandbox import noise

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
"""The end of the year that items are spread over; fixed, so that they never move."""

DAYS = 365
DAY_HOURS = 24
WEEKEND = 5
FEWEST = 180
MOST = 420
BLANK = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Area:
    """One part of life, and how platforms speak of it."""

    name: str
    genres: list[str]
    tracks: list[str]
    artists: list[str]
    events: list[str]
    texts: list[str]
    repositories: list[str]
    subjects: list[str]
    channel: str


@dataclass(frozen=True, slots=True)
class Habits:
    """How somebody lives: `peak` is the hour around which things happen, `weekend` what a day of it weighs."""

    peak: float
    spread: float
    weekend: float
    areas: dict[str, int]
    languages: list[str]


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened; `random` gives what else there is to know about it, and always the same."""

    number: int
    at: datetime
    area: Area
    random: Random

    def fill(self, template: str) -> str:
        """Return `template` with words in its blanks."""
        return BLANK.sub(lambda blank: self.random.choice(words()[blank[1]]), template)

    def pick(self, templates: list[str]) -> str:
        """Return one of `templates`, filled, beginning with a capital letter."""
        text = self.fill(self.random.choice(templates))
        return text[0].upper() + text[1:]


def iso(moment: datetime) -> str:
    """Return `2026-10-31T07:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def moments(platform: str, account: str) -> list[Moment]:
    """Return what `account` did on `platform`, oldest first; no two at the same second."""
    how = habits()[account]
    random = Random(f"{platform}/{account}")
    count = FEWEST + int(noise.unit("count", platform, account) * (MOST - FEWEST + 1))
    days = [UNTIL - timedelta(days=back) for back in range(DAYS, 0, -1)]
    weights = [how.weekend if day.weekday() >= WEEKEND else 1.0 for day in days]
    found: set[datetime] = set()
    while len(found) < count:
        hour = random.gauss(how.peak, how.spread) % DAY_HOURS
        found.add(random.choices(days, weights)[0] + timedelta(seconds=int(hour * 3600)))
    names = list(how.areas)
    return [
        Moment(
            number=number,
            at=at,
            area=areas()[random.choices(names, list(how.areas.values()))[0]],
            random=Random(f"{platform}/{account}/{number}"),
        )
        for number, at in enumerate(sorted(found))
    ]


def habits() -> dict[str, Habits]:
    """Return the habits of each account."""
    return {name: Habits(**about) for name, about in _table()["habits"].items()}


@cache
def areas() -> dict[str, Area]:
    """Return the areas of life by name."""
    return {name: Area(name=name, **about) for name, about in _table()["areas"].items()}


def words() -> dict[str, list[str]]:
    """Return the words that blanks are filled with."""
    found: dict[str, list[str]] = _table()["words"]
    return found


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("areas.toml").read_text())
