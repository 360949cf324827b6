"""The weather as the site keeps it: metric, times in UTC. What a provider left out is None."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

Units = Literal["metric", "imperial"]
FORECAST_DAYS = 16
FORECAST_HOURS = FORECAST_DAYS * 24 + 25  # with room for a day more, and an hour more in autumn

# The cache holds its entries to these bounds too, so that one that somebody planted there is loaded anew.
Number: TypeAlias = Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]
"""Beyond all weather in any unit; numbers without bounds end in infinity when they are converted."""
UtcOffset: TypeAlias = Annotated[int, Meta(gt=-86_400, lt=86_400)]
"""Seconds; less than a day, or no clock could show it."""


class CurrentWeather(Struct, frozen=True, kw_only=True):
    """The weather now. Latitude and longitude are the provider's grid point, near the place that was asked for."""

    latitude: Number
    longitude: Number
    timezone: str
    utc_offset_seconds: UtcOffset
    time: datetime
    temperature: Number
    apparent_temperature: Number | None
    humidity: int | None  # %
    precipitation: Number | None
    weather_code: int | None  # WMO 4677, as Open-Meteo abridges it
    description: str
    is_day: bool | None
    cloud_cover: int | None  # %
    pressure: Number | None  # hPa at sea level
    wind_speed: Number | None
    wind_direction: int | None  # degrees, where the wind comes from
    wind_gusts: Number | None
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
    temperature_max: Number | None
    temperature_min: Number | None
    sunrise: datetime | None
    sunset: datetime | None
    precipitation_sum: Number | None
    precipitation_probability: int | None  # %, the day's highest
    wind_speed_max: Number | None
    uv_index_max: Number | None


class HourlyForecast(Struct, frozen=True, kw_only=True):
    """One hour, beginning at `time`; precipitation is that of the hour before, as the provider defines it."""

    time: datetime
    temperature: Number | None
    precipitation_probability: int | None  # %
    precipitation: Number | None
    weather_code: int | None
    wind_speed: Number | None


class Forecast(Struct, frozen=True, kw_only=True):
    """Up to 16 days, today at the place first, and their hours."""

    latitude: Number
    longitude: Number
    timezone: str
    utc_offset_seconds: UtcOffset
    days: Annotated[list[DailyForecast], Meta(max_length=FORECAST_DAYS)]
    hours: Annotated[list[HourlyForecast], Meta(max_length=FORECAST_HOURS)]
    units: Units = "metric"
    source: str
    attribution: str
    attribution_url: str


def local_time(moment: datetime, utc_offset_seconds: int) -> datetime:
    """`moment` on the clocks of a place with this offset, which the provider fixes for a whole forecast."""
    return moment.astimezone(timezone(timedelta(seconds=utc_offset_seconds)))
