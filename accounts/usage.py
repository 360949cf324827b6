"""What of a plan is used up, where the rows there are tell it: each app says how to count its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Count = Callable[[int, datetime], int]
"""How many a user has, by the user's number and the beginning of the present period."""

_counts: dict[str, Count] = {}


def counted_by(name: str, count: Count) -> None:
    """Have `count` tell how much of the limit `name` is used. What changes it has to supersede `subscription:{user_id}`
    (`tags_of`)."""
    _counts[name] = count


def used(user_id: int, name: str, since: datetime) -> int:
    """How much of `name` is used, from the database. Raises KeyError for what is not counted."""
    return _counts[name](user_id, since)


def all_used(user_id: int, since: datetime) -> dict[str, int]:
    """How much of everything is used that is counted, from the database, in a query for each."""
    return {name: count(user_id, since) for name, count in _counts.items()}
