"""Where the sun stands: elevation, sunrise and sunset, polar day and polar night.

Formulas: Spencer's Fourier series for declination and equation of time, as in NOAA's "General Solar
Position Calculations". Good to about a minute for sunrise and sunset between the polar circles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HORIZON = -0.833
"""Degrees: refraction and the sun's radius make it rise before its centre reaches the horizon."""

SECONDS_PER_DEGREE = 240
DAY = 86_400
YEAR_IN_DAYS = 365.2422
NEW_YEAR_2000 = 10_957


@dataclass(frozen=True, slots=True)
class SunTimes:
    """The sun's day around one noon, in Unix seconds."""

    sunrise: float
    sunset: float


def elevation(latitude: float, longitude: float, seconds: float) -> float:
    """Return the sun's height above the horizon in degrees at Unix time `seconds`."""
    lat, tilt = math.radians(latitude), declination(seconds)
    angle = math.radians(_hour_angle(longitude, seconds))
    sine = math.sin(lat) * math.sin(tilt) + math.cos(lat) * math.cos(tilt) * math.cos(angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def is_day(latitude: float, longitude: float, seconds: float) -> bool:
    """Return whether any of the sun is above the horizon."""
    return elevation(latitude, longitude, seconds) > HORIZON


def solar_hour(longitude: float, seconds: float) -> float:
    """Return the time on a sundial, in hours from 0 to 24."""
    return (_hour_angle(longitude, seconds) / 15 + 12) % 24


def year_angle(seconds: float) -> float:
    """Return how far the year is gone, as an angle in radians."""
    return 2 * math.pi * ((seconds / DAY - NEW_YEAR_2000) % YEAR_IN_DAYS) / YEAR_IN_DAYS


def declination(seconds: float) -> float:
    """Return the latitude over which the sun stands, in radians."""
    g = year_angle(seconds)
    return (
        0.006918
        - 0.399912 * math.cos(g)
        + 0.070257 * math.sin(g)
        - 0.006758 * math.cos(2 * g)
        + 0.000907 * math.sin(2 * g)
        - 0.002697 * math.cos(3 * g)
        + 0.00148 * math.sin(3 * g)
    )


def sun_times(latitude: float, longitude: float, near: float) -> SunTimes | None:
    """Return sunrise and sunset around the noon nearest to `near`; None on a day without either."""
    noon = near - _hour_angle(longitude, near) * SECONDS_PER_DEGREE
    rise = _crossing(latitude, longitude, noon, -1)
    down = _crossing(latitude, longitude, noon, +1)
    return None if rise is None or down is None else SunTimes(rise, down)


def _crossing(latitude: float, longitude: float, noon: float, side: int) -> float | None:
    """Return when the sun crosses the horizon before (-1) or after (+1) `noon`; None if it does not."""
    moment = noon
    for _ in range(3):  # the declination moves on during the day: three rounds settle within a second
        lat, tilt = math.radians(latitude), declination(moment)
        spread = math.cos(lat) * math.cos(tilt)
        height = math.sin(math.radians(HORIZON)) - math.sin(lat) * math.sin(tilt)
        if abs(height) >= spread:
            return None
        half_day = math.degrees(math.acos(height / spread))
        moment += (side * half_day - _hour_angle(longitude, moment, centre=side * half_day)) * SECONDS_PER_DEGREE
    return moment


def _hour_angle(longitude: float, seconds: float, *, centre: float = 0.0) -> float:
    """Return degrees since the sun's highest point, within 180 degrees of `centre`."""
    g = year_angle(seconds)
    equation_of_time = 229.18 * (
        0.000075
        + 0.001868 * math.cos(g)
        - 0.032077 * math.sin(g)
        - 0.014615 * math.cos(2 * g)
        - 0.040849 * math.sin(2 * g)
    )
    minutes = seconds / 60 % 1440 + equation_of_time + 4 * longitude
    return (minutes / 4 - 180 - centre + 180) % 360 - 180 + centre
