"""Forecasts in the shape of Open-Meteo: which variables there are, their units, and the arrays for a place and time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox import climate, solar
from sandbox.climate import HOUR, Air, Place
from sandbox.timezones import Zone, iso_date, iso_minute

INTERVAL = 900
"""Seconds: current conditions are given by the quarter-hour."""

Kind = Literal["temperature", "speed", "rain", "percent", "code", "pressure", "angle", "plain", "flag", "clock"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its name on the wire, what to multiply and add, and the decimals it is given with."""

    name: str
    factor: float = 1.0
    shift: float = 0.0
    decimals: int = 0

    def show(self, value: float) -> float | int:
        """Return a metric value in this unit; whole numbers as integers."""
        shown = round(value * self.factor + self.shift, self.decimals)
        return shown if self.decimals else int(shown)


TEMPERATURE_UNITS = {"celsius": Unit("°C", decimals=1), "fahrenheit": Unit("°F", 1.8, 32.0, 1)}
WIND_SPEED_UNITS = {
    "kmh": Unit("km/h", decimals=1),
    "ms": Unit("m/s", 1 / 3.6, decimals=2),
    "mph": Unit("mp/h", 0.621371, decimals=1),
    "kn": Unit("kn", 0.539957, decimals=1),
}
PRECIPITATION_UNITS = {"mm": Unit("mm", decimals=2), "inch": Unit("inch", 1 / 25.4, decimals=3)}
FIXED_UNITS: dict[Kind, Unit] = {
    "percent": Unit("%"),
    "code": Unit("wmo code"),
    "pressure": Unit("hPa", decimals=1),
    "angle": Unit("°"),
    "plain": Unit("", decimals=2),
    "flag": Unit(""),
    "clock": Unit("iso8601"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A place at a Unix time, with its air."""

    place: Place
    seconds: int
    air: Air

    @property
    def is_day(self) -> bool:
        """Whether the sun is up."""
        return solar.is_day(self.place.latitude, self.place.longitude, self.seconds)


@dataclass(frozen=True, slots=True)
class Day:
    """A place on one local day that starts at Unix time `start`; its hours are those from 00:00 to 23:00."""

    place: Place
    start: int
    zone: Zone
    hours: tuple[Air, ...]

    @property
    def sun(self) -> solar.SunTimes:
        """Sunrise and sunset; a polar day lasts from midnight to midnight, a polar night not at all."""
        lat, lon, middle = self.place.latitude, self.place.longitude, self.start + solar.DAY // 2
        sun = solar.sun_times(lat, lon, middle)
        if sun is not None:
            return sun
        return solar.SunTimes(self.start, self.start + (solar.DAY if solar.is_day(lat, lon, middle) else 0))

    @property
    def uv_index(self) -> float:
        """The day's highest UV index: by the sun's height at noon, dimmed by clouds."""
        noons = (
            solar.elevation(self.place.latitude, self.place.longitude, self.start + hour * HOUR) for hour in range(24)
        )
        clouds = sum(air.cloud for air in self.hours) / len(self.hours) / 100
        return 12.5 * math.pow(max(0.0, max(noons) / 90), 1.6) * (1 - 0.6 * clouds**2)

    def most(self, value: Callable[[Air], float]) -> float:
        """Return the highest value of the day's hours."""
        return max(value(air) for air in self.hours)


MOMENT_VARIABLES: dict[str, tuple[Kind, Callable[[Moment], float]]] = {
    "temperature_2m": ("temperature", lambda at: at.air.temperature),
    "relative_humidity_2m": ("percent", lambda at: at.air.humidity),
    "apparent_temperature": ("temperature", lambda at: at.air.apparent),
    "precipitation_probability": ("percent", lambda at: at.air.chance),
    "precipitation": ("rain", lambda at: at.air.precipitation),
    "weather_code": ("code", lambda at: at.air.code),
    "cloud_cover": ("percent", lambda at: at.air.cloud),
    "pressure_msl": ("pressure", lambda at: at.air.pressure),
    "wind_speed_10m": ("speed", lambda at: at.air.wind),
    "wind_direction_10m": ("angle", lambda at: climate.wind_direction(at.place, at.seconds)),
    "wind_gusts_10m": ("speed", lambda at: at.air.gusts),
    "is_day": ("flag", lambda at: at.is_day),
}
DAILY_VARIABLES: dict[str, tuple[Kind, Callable[[Day], float]]] = {
    "weather_code": ("code", lambda day: day.most(lambda air: air.code)),
    "temperature_2m_max": ("temperature", lambda day: day.most(lambda air: air.temperature)),
    "temperature_2m_min": ("temperature", lambda day: -day.most(lambda air: -air.temperature)),
    "sunrise": ("clock", lambda day: day.sun.sunrise),
    "sunset": ("clock", lambda day: day.sun.sunset),
    "precipitation_sum": ("rain", lambda day: sum(air.precipitation for air in day.hours)),
    "precipitation_probability_max": ("percent", lambda day: day.most(lambda air: air.chance)),
    "wind_speed_10m_max": ("speed", lambda day: day.most(lambda air: air.wind)),
    "uv_index_max": ("plain", lambda day: day.uv_index),
}


@dataclass(frozen=True, slots=True)
class Units:
    """The units chosen for temperatures, wind speeds and precipitation."""

    temperature: Unit = TEMPERATURE_UNITS["celsius"]
    speed: Unit = WIND_SPEED_UNITS["kmh"]
    rain: Unit = PRECIPITATION_UNITS["mm"]

    def of(self, kind: Kind) -> Unit:
        """Return the unit for a kind of value."""
        chosen: Mapping[Kind, Unit] = {"temperature": self.temperature, "speed": self.speed, "rain": self.rain}
        return chosen.get(kind) or FIXED_UNITS[kind]


def current(place: Place, names: list[str], *, units: Units, zone: Zone, seconds: int) -> dict[str, Any]:
    """Return `current_units` and `current` for Unix time `seconds`, rounded down to the quarter-hour."""
    at = seconds - seconds % INTERVAL
    moment = Moment(place, at, climate.air_at(place, at))
    values: dict[str, Any] = {"time": iso_minute(at + zone.offset), "interval": INTERVAL}
    shown = {"time": "iso8601", "interval": "seconds"}
    for name in names:
        kind, read = MOMENT_VARIABLES[name]
        share = INTERVAL / HOUR if kind == "rain" else 1.0  # sums cover the interval
        values[name] = units.of(kind).show(read(moment) * share)
        shown[name] = units.of(kind).name
    return {"current_units": shown, "current": values}


def hourly(place: Place, names: list[str], *, units: Units, zone: Zone, seconds: int, days: int) -> dict[str, Any]:
    """Return `hourly_units` and `hourly`: parallel arrays from local midnight on, 24 values a day."""
    start = first_midnight(zone, seconds)
    times = [start + step * HOUR for step in range(24 * days)]
    moments = [Moment(place, at, climate.air_at(place, at)) for at in times]
    values: dict[str, Any] = {"time": [iso_minute(at + zone.offset) for at in times]}
    shown = {"time": "iso8601"}
    for name in names:
        kind, read = MOMENT_VARIABLES[name]
        values[name] = [units.of(kind).show(read(moment)) for moment in moments]
        shown[name] = units.of(kind).name
    return {"hourly_units": shown, "hourly": values}


def daily(place: Place, names: list[str], *, units: Units, zone: Zone, seconds: int, days: int) -> dict[str, Any]:
    """Return `daily_units` and `daily`: parallel arrays, one value for each local day."""
    start = first_midnight(zone, seconds)
    spans = [_day(place, start + step * solar.DAY, zone) for step in range(days)]
    values: dict[str, Any] = {"time": [iso_date(day.start + zone.offset) for day in spans]}
    shown = {"time": "iso8601"}
    for name in names:
        kind, read = DAILY_VARIABLES[name]
        unit = units.of(kind)
        values[name] = [
            iso_minute(read(day) + zone.offset) if kind == "clock" else unit.show(read(day)) for day in spans
        ]
        shown[name] = unit.name
    return {"daily_units": shown, "daily": values}


def first_midnight(zone: Zone, seconds: int) -> int:
    """Return the Unix time of the last local midnight; the zone's offset of now holds for all days, as there."""
    return (seconds + zone.offset) // solar.DAY * solar.DAY - zone.offset


def _day(place: Place, start: int, zone: Zone) -> Day:
    return Day(place, start, zone, tuple(climate.air_at(place, start + hour * HOUR) for hour in range(24)))
