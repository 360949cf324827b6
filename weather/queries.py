"""What clients may ask of the weather besides coordinates. Every error is an InvalidQuery that names the field."""

from __future__ import annotations

import unicodedata
from typing import cast, get_args

from cache_platform.exceptions import InvalidQuery
from weather.schema import FORECAST_DAYS, Units

DEFAULT_DAYS = 7
MAX_PLACE_QUERY = 100


def parse_units(text: str | None) -> Units:
    """`metric` (also when absent) or `imperial`."""
    if text not in {None, "", *get_args(Units)}:
        raise InvalidQuery("units", "must be metric or imperial")
    return cast("Units", text or "metric")


def parse_days(text: str | None) -> int:
    """1 to 16; 7 when absent."""
    if not text:
        return DEFAULT_DAYS
    if not (text.isascii() and text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= FORECAST_DAYS):
        raise InvalidQuery("days", f"must be a whole number from 1 to {FORECAST_DAYS}")
    return int(text)


def parse_place_query(text: str | None) -> str:
    """The text to search places by, trimmed, with single spaces."""
    query = " ".join((text or "").split())
    if not query:
        raise InvalidQuery("q", "is required")
    if len(query) > MAX_PLACE_QUERY:
        raise InvalidQuery("q", f"must have at most {MAX_PLACE_QUERY} characters")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in query):
        raise InvalidQuery("q", "must not contain control characters")
    return query
