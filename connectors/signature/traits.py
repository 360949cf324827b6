"""Five traits, each 0 to 100. Pure functions; sums are over counts, so that the order of the items does not matter."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors.schema import Trait
from connectors.signature.areas import Seen
from connectors.signature.words import AREAS

DAY_MINUTES = 24 * 60
MORNING = range(5, 11)
NIGHT = (*range(21, 24), *range(3))
"""Hours, UTC: six each."""
WEEKEND = 5
WEEKEND_DAYS, WORKING_DAYS = 2, 5
MONDAY = datetime(1900, 1, 1, tzinfo=UTC)
"""Weeks are counted from one."""
WEEK = timedelta(days=7)


def traits_of(by_area: Mapping[str, Sequence[Seen]]) -> tuple[Trait, ...]:
    """The traits of somebody with at least one item."""
    times = [item.happened_at for items in by_area.values() for item in items]
    return (_curiosity(by_area), _early_bird(times), _rhythm(times), _leisure(times), _constancy(times))


def _curiosity(by_area: Mapping[str, Sequence[Seen]]) -> Trait:
    """Shannon's entropy of the shares of the areas, as a part of that of an even spread."""
    counts = [len(by_area[area]) for area in AREAS if by_area.get(area)]
    total = sum(counts)
    entropy = -math.fsum(count / total * math.log(count / total) for count in counts) if total else 0.0
    basis = f"items in {len(counts)} of {len(AREAS)} areas of life, and how evenly"
    return Trait(name="curiosity", score=_percent(entropy / math.log(len(AREAS))), basis=basis)


def _early_bird(times: Sequence[datetime]) -> Trait:
    """What is done in the morning, of what is done in the morning or at night; 50 when neither is."""
    hours = Counter(time.hour for time in times)
    morning, night = sum(hours[hour] for hour in MORNING), sum(hours[hour] for hour in NIGHT)
    basis = f"{morning} items from 5:00 to 11:00 and {night} from 21:00 to 3:00 (UTC)"
    return Trait(name="early_bird", score=_part(morning, night), basis=basis)


def _rhythm(times: Sequence[datetime]) -> Trait:
    """The length of the mean of the times of day as directions on a clock of 24 hours (circular statistics: Mardia and
    Jupp, Directional Statistics, 2.3): 100 when all is at the same time of day."""
    minutes = Counter(time.hour * 60 + time.minute for time in times)
    turns = {minute: 2 * math.pi * minute / DAY_MINUTES for minute in minutes}
    x = math.fsum(minutes[minute] * math.cos(turns[minute]) for minute in minutes)
    y = math.fsum(minutes[minute] * math.sin(turns[minute]) for minute in minutes)
    centre = round(math.atan2(y, x) / (2 * math.pi) * DAY_MINUTES) % DAY_MINUTES
    basis = f"how close to {centre // 60:02}:{centre % 60:02} (UTC) the items are"
    return Trait(name="rhythm", score=_percent(math.hypot(x, y) / len(times)), basis=basis)


def _leisure(times: Sequence[datetime]) -> Trait:
    """Items per day of the weekend, of those and the items per working day: 50 when all days are alike."""
    weekend = sum(time.weekday() >= WEEKEND for time in times)
    working = len(times) - weekend
    basis = f"{weekend} items on weekends and {working} on working days"
    return Trait(name="leisure", score=_part(weekend / WEEKEND_DAYS, working / WORKING_DAYS), basis=basis)


def _constancy(times: Sequence[datetime]) -> Trait:
    """The part of the weeks, from the first item's to the last one's, that have an item."""
    weeks = {(time - MONDAY) // WEEK for time in times}
    spanned = max(weeks) - min(weeks) + 1
    basis = f"items in {len(weeks)} of {spanned} weeks"
    return Trait(name="constancy", score=_percent(len(weeks) / spanned), basis=basis)


def _part(one: float, other: float) -> int:
    return _percent(one / (one + other)) if one + other else 50


def _percent(part: float) -> int:
    """Rounded half up, within 0 to 100."""
    return min(max(math.floor(part * 100 + 0.5), 0), 100)
