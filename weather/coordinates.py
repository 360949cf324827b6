"""Coordinates from clients: read strictly and rounded, so that one place has one key."""

from __future__ import annotations

import re

from cache_platform.exceptions import InvalidQuery

DECIMALS = 2
MAX_LENGTH = 24
# ASCII digits only: float() alone would also take "nan", "1_0", " 1 " and the digits of other scripts.
# With an exponent, because that is how programs write 0.0000001.
_PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def parse_coordinate(name: str, text: str | None, low: float, high: float) -> float:
    """The number in `text`, between `low` and `high` (degrees), rounded to 2 decimals (about 1 km); never -0.0.

    Raises InvalidQuery that names the field `name`.
    """
    if not text:
        raise InvalidQuery(name, "is required")
    if len(text) > MAX_LENGTH or not _PLAIN_NUMBER.fullmatch(text):
        raise InvalidQuery(name, "must be a plain decimal number, as in 52.52")
    value = float(text)
    if not low <= value <= high:
        raise InvalidQuery(name, f"must be between {low:g} and {high:g}")
    return round(value, DECIMALS) + 0.0  # -0.0 + 0.0 is 0.0


def parse_latitude(text: str | None, *, name: str = "lat") -> float:
    """Degrees north, -90 to 90."""
    return parse_coordinate(name, text, -90.0, 90.0)


def parse_longitude(text: str | None, *, name: str = "lon") -> float:
    """Degrees east, above -180 up to 180: -180 is the same meridian as 180 and becomes it."""
    value = parse_coordinate(name, text, -180.0, 180.0)
    return 180.0 if value == -180.0 else value
