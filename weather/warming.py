"""Whose weather `cache_warm` loads ahead: that of the place where the dashboard begins, and of the largest cities."""

from __future__ import annotations

from cache_platform.warming import warmer
from weather import openmeteo, places
from weather.coordinates import parse_latitude, parse_longitude
from weather.policies import CURRENT, FORECAST

START = (52.52, 13.41)
"""Berlin, which the dashboard shows before anybody has chosen a place."""
LARGEST = 10


def _points() -> list[dict[str, float]]:
    """Rounded as requests are, so that these are the entries that visitors read."""
    cities = [
        (parse_latitude(f"{city.latitude:.5f}"), parse_longitude(f"{city.longitude:.5f}"))
        for city in places.largest(LARGEST)
    ]
    return [{"lat": lat, "lon": lon} for lat, lon in dict.fromkeys([START, *cities])]


warmer(CURRENT, _points, openmeteo.load_current)
warmer(FORECAST, _points, openmeteo.load_forecast)
