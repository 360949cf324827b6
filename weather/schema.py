"""The weather as the site keeps it: metric, times in UTC. What a provider left out is None."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Literal

from msgspec import Struct

Units = Literal["metric", "imperial"]
FORECAST_DAYS = 16


class CurrentWeather(Struct, frozen=True, kw_only=True):
    """The weather now. Latitude and longitude are the provider's grid point, near the place that was asked for."""

    latitude: float
    longitude: float
    timezone: str
    utc_offset_seconds: int
    time: datetime
    temperature: float
    apparent_temperature: float | None
    humidity: int | None  # %
    precipitation: float | None
    weather_code: int | None  # WMO 4677, as Open-Meteo abridges it
    description: str
    is_day: bool | None
    cloud_cover: int | None  # %
    pressure: float | None  # hPa at sea level
    wind_speed: float | None
    wind_direction: int | None  # degrees, where the wind comes from
    wind_gusts: float | None
    units: Units = "metric"
    source: str
    attribution: str
    attribution_url: str


class DailyForecast(Struct, frozen=True, kw_only=True):
    """One day, from midnight to midnight at the place.

    As Open-Meteo has it: where the sun stays down, sunrise equals sunset; where it stays up, they are 24 h apart.
    """

    date: date
    weather_code: int | None
    description: str
    temperature_max: float | None
    temperature_min: float | None
    sunrise: datetime | None
    sunset: datetime | None
    precipitation_sum: float | None
    precipitation_probability: int | None  # %, the day's highest
    wind_speed_max: float | None
    uv_index_max: float | None


class HourlyForecast(Struct, frozen=True, kw_only=True):
    """One hour, beginning at `time`; precipitation is that of the hour before, as the provider defines it."""

    time: datetime
    temperature: float | None
    precipitation_probability: int | None  # %
    precipitation: float | None
    weather_code: int | None
    wind_speed: float | None


class Forecast(Struct, frozen=True, kw_only=True):
    """Up to 16 days, today at the place first, and their hours."""

    latitude: float
    longitude: float
    timezone: str
    utc_offset_seconds: int
    days: list[DailyForecast]
    hours: list[HourlyForecast]
    units: Units = "metric"
    source: str
    attribution: str
    attribution_url: str


def local_time(moment: datetime, utc_offset_seconds: int) -> datetime:
    """`moment` on the clocks of a place with this offset, which the provider fixes for a whole forecast."""
    return moment.astimezone(timezone(timedelta(seconds=utc_offset_seconds)))
