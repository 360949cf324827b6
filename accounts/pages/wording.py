"""Times and sources in words. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cache_platform import Read

MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Moment:
    """A time for people: in words, and exact for machines and for those who point at it."""

    words: str
    machine: str
    exact: str


def moment(time: datetime, words: str) -> Moment:
    """`time`, said in `words`."""
    utc = time.astimezone(UTC)
    return Moment(words, utc.isoformat(timespec="seconds"), f"{day(utc)}, {utc:%H:%M} UTC")


def day(time: datetime) -> str:
    """As in `8 Sep 2025`."""
    return f"{time.day} {time:%b %Y}"


def ago(time: datetime, now: datetime) -> str:
    """How long ago: `just now`, `3 min ago`, and the day where that is a week or more."""
    seconds = (now - time).total_seconds()
    if seconds < MINUTE:
        return "just now"
    if seconds >= 7 * DAY:
        return day(time)
    return f"{_length(seconds)} ago"


def wait_words(seconds: int) -> str:
    """How long to wait: `45 seconds`, `834 seconds (about 14 minutes)`."""
    exact = f"{seconds} second{'' if seconds == 1 else 's'}"
    return exact if seconds < 2 * MINUTE else f"{exact} (about {round(seconds / MINUTE)} minutes)"


def source(read: Read[Any]) -> str:
    """Where a value came from, and how old it is."""
    if not read.cached:
        return "From the database, just now"
    return f"From cache, {_length(read.age)} old"


def _length(seconds: float) -> str:
    """A length of time in its largest unit, cut to a whole number."""
    for size, unit in ((DAY, "day"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{max(1, int(seconds))} s"
