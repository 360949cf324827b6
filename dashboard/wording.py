"""Numbers and times in words, for people. Pure functions."""

from __future__ import annotations

import math
from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86_400
POINTS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
# The names of the World Health Organization's UV index, by the first value of each.
UV_NAMES = ((11, "extreme"), (8, "very high"), (6, "high"), (3, "moderate"), (0, "low"))


def number(value: float) -> str:
    """A whole number, with a true minus sign."""
    return str(round(value)).replace("-", "\N{MINUS SIGN}")


def degrees(value: float | None) -> str:
    """A temperature, as in 16°; a dash where there is none."""
    return "\N{EN DASH}" if value is None else f"{number(value)}\N{DEGREE SIGN}"


def duration(seconds: float) -> str:
    """A length of time in its largest unit, as in `3 min`; at least a second."""
    if seconds < MINUTE:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min"
    if seconds < DAY:
        return f"{int(seconds // HOUR)} h"
    days = int(seconds // DAY)
    return "1 day" if days == 1 else f"{days} days"


def ago(seconds: float) -> str:
    """How long ago, as in `3 min ago`; what is less than a minute old, or from the future, is `just now`."""
    return "just now" if seconds < MINUTE else f"{duration(seconds)} ago"


def published(moment: datetime, now: datetime) -> str:
    """When an article came out: how long ago, or the date where that is a week or more."""
    seconds = (now - moment).total_seconds()
    return ago(seconds) if seconds < 7 * DAY else f"{moment.day} {moment:%b %Y}"


def absolute(moment: datetime) -> str:
    """As in `8 Sep 2025, 09:00 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def compass(bearing: float) -> str:
    """The nearest of eight points of the compass for a bearing in degrees."""
    return POINTS[round(bearing / 45) % len(POINTS)]


def uv_name(index: float) -> str:
    """What a UV index means; rounded, as the index is defined for whole numbers."""
    return next((name for least, name in UV_NAMES if round(index) >= least), UV_NAMES[-1][1])


def people(population: int) -> str:
    """A population to two digits, as in `3.4 million`."""
    if population >= 1_000_000:
        millions = population / 1_000_000
        return f"{millions:.1f} million" if millions < 10 else f"{millions:.0f} million"
    return f"{population // 1000:,} thousand" if population >= 1000 else str(population)
