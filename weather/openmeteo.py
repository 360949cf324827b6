"""Open-Meteo's forecast API (https://open-meteo.com/en/docs): what the weather's loaders call."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from django.conf import settings
from msgspec import Meta, Struct

from cache_platform.exceptions import SourceMalformed
from cache_platform.sources import JsonSource
from weather.codes import describe
from weather.schema import (
    FORECAST_DAYS,
    FORECAST_HOURS,
    CurrentWeather,
    DailyForecast,
    Forecast,
    HourlyForecast,
    UtcOffset,
)

T = TypeVar("T")

NAME = "Open-Meteo"
ATTRIBUTION = "Weather data by Open-Meteo.com (CC BY 4.0)"
ATTRIBUTION_URL = "https://open-meteo.com/"
PUBLIC_URL = "https://api.open-meteo.com"

# What an answer may hold at most; one that holds more is malformed.
_Measured: TypeAlias = Annotated[float, Meta(ge=-100_000, le=100_000)]  # converted, it is still a weather.schema.Number
_PerDay: TypeAlias = Annotated[list[T], Meta(max_length=FORECAST_DAYS)]
_PerHour: TypeAlias = Annotated[list[T], Meta(max_length=FORECAST_HOURS)]


class _Current(Struct):
    """A variable that was asked for may be null, but without a temperature there is nothing to show."""

    time: str
    temperature_2m: _Measured
    apparent_temperature: _Measured | None
    relative_humidity_2m: _Measured | None
    precipitation: _Measured | None
    weather_code: _Measured | None
    is_day: _Measured | None
    cloud_cover: _Measured | None
    pressure_msl: _Measured | None
    wind_speed_10m: _Measured | None
    wind_direction_10m: _Measured | None
    wind_gusts_10m: _Measured | None


class _Daily(Struct):
    time: _PerDay[str]
    weather_code: _PerDay[_Measured | None]
    temperature_2m_max: _PerDay[_Measured | None]
    temperature_2m_min: _PerDay[_Measured | None]
    sunrise: _PerDay[str | None]
    sunset: _PerDay[str | None]
    precipitation_sum: _PerDay[_Measured | None]
    precipitation_probability_max: _PerDay[_Measured | None]
    wind_speed_10m_max: _PerDay[_Measured | None]
    uv_index_max: _PerDay[_Measured | None]


class _Hourly(Struct):
    time: _PerHour[str]
    temperature_2m: _PerHour[_Measured | None]
    precipitation_probability: _PerHour[_Measured | None]
    precipitation: _PerHour[_Measured | None]
    weather_code: _PerHour[_Measured | None]
    wind_speed_10m: _PerHour[_Measured | None]


class _Answer(Struct):
    latitude: _Measured
    longitude: _Measured
    utc_offset_seconds: UtcOffset
    timezone: Annotated[str, Meta(max_length=100)]


class _CurrentAnswer(_Answer):
    current: _Current


class _ForecastAnswer(_Answer):
    daily: _Daily
    hourly: _Hourly


class _Refusal(Struct):
    reason: str


def base_url() -> str:
    """Where Open-Meteo is: WEATHER_URL, else the sandbox, else the public API."""
    if settings.WEATHER_URL:
        return str(settings.WEATHER_URL)
    return str(settings.SANDBOX_URL) if settings.PROVIDERS == "sandbox" else PUBLIC_URL


source = JsonSource(NAME, base_url, explain=lambda body: msgspec.json.decode(body, type=_Refusal).reason)


def load_current(lat: float, lon: float) -> CurrentWeather:
    """The weather now near that point. Raises SourceError."""
    answer = _ask(_CurrentAnswer, lat, lon, {"current": _variables(_Current)})
    now, offset = answer.current, timedelta(seconds=answer.utc_offset_seconds)
    return CurrentWeather(
        latitude=answer.latitude,
        longitude=answer.longitude,
        timezone=answer.timezone,
        utc_offset_seconds=answer.utc_offset_seconds,
        time=_utc(now.time, offset),
        temperature=now.temperature_2m,
        apparent_temperature=now.apparent_temperature,
        humidity=_whole(now.relative_humidity_2m),
        precipitation=now.precipitation,
        weather_code=_whole(now.weather_code),
        description=describe(_whole(now.weather_code)),
        is_day=None if now.is_day is None else now.is_day != 0,
        cloud_cover=_whole(now.cloud_cover),
        pressure=now.pressure_msl,
        wind_speed=now.wind_speed_10m,
        wind_direction=_whole(now.wind_direction_10m),
        wind_gusts=now.wind_gusts_10m,
        source=NAME,
        attribution=ATTRIBUTION,
        attribution_url=ATTRIBUTION_URL,
    )


def load_forecast(lat: float, lon: float) -> Forecast:
    """16 days near that point, by the place's own days. Raises SourceError."""
    wanted = {"daily": _variables(_Daily), "hourly": _variables(_Hourly)}
    answer = _ask(_ForecastAnswer, lat, lon, {**wanted, "forecast_days": FORECAST_DAYS})
    offset = timedelta(seconds=answer.utc_offset_seconds)
    days = _days(answer.daily, offset)
    if not any(day.temperature_max is not None for day in days):
        raise SourceMalformed(NAME, "the forecast has no temperatures")
    return Forecast(
        latitude=answer.latitude,
        longitude=answer.longitude,
        timezone=answer.timezone,
        utc_offset_seconds=answer.utc_offset_seconds,
        days=days,
        hours=_hours(answer.hourly, offset),
        source=NAME,
        attribution=ATTRIBUTION,
        attribution_url=ATTRIBUTION_URL,
    )


def _ask(schema: type[T], lat: float, lon: float, wanted: dict[str, str | int]) -> T:
    # Plain decimals, because str() writes small numbers with an exponent.
    place = {"latitude": f"{lat:.2f}", "longitude": f"{lon:.2f}", "timezone": "auto"}
    return source.get("/v1/forecast", schema=schema, params={**place, **wanted})


def _variables(columns: type[Struct]) -> str:
    """What to ask for is what the struct reads, so that the two cannot drift apart."""
    return ",".join(name for name in columns.__struct_fields__ if name != "time")


def _days(daily: _Daily, offset: timedelta) -> list[DailyForecast]:
    return [
        DailyForecast(
            date=_date(daily.time[i]),
            weather_code=_whole(daily.weather_code[i]),
            description=describe(_whole(daily.weather_code[i])),
            temperature_max=daily.temperature_2m_max[i],
            temperature_min=daily.temperature_2m_min[i],
            sunrise=_utc_or_none(daily.sunrise[i], offset),
            sunset=_utc_or_none(daily.sunset[i], offset),
            precipitation_sum=daily.precipitation_sum[i],
            precipitation_probability=_whole(daily.precipitation_probability_max[i]),
            wind_speed_max=daily.wind_speed_10m_max[i],
            uv_index_max=daily.uv_index_max[i],
        )
        for i in _rows(daily)
    ]


def _hours(hourly: _Hourly, offset: timedelta) -> list[HourlyForecast]:
    return [
        HourlyForecast(
            time=_utc(hourly.time[i], offset),
            temperature=hourly.temperature_2m[i],
            precipitation_probability=_whole(hourly.precipitation_probability[i]),
            precipitation=hourly.precipitation[i],
            weather_code=_whole(hourly.weather_code[i]),
            wind_speed=hourly.wind_speed_10m[i],
        )
        for i in _rows(hourly)
    ]


def _rows(columns: Struct) -> range:
    """The row numbers of parallel arrays."""
    lengths = {len(column) for column in msgspec.structs.astuple(columns)}
    if len(lengths) != 1:
        raise SourceMalformed(NAME, "the arrays of the forecast differ in length")
    return range(lengths.pop())


def _utc(local: str, offset: timedelta) -> datetime:
    """The moment of a local time without offset, as in 2025-09-08T07:00."""
    try:
        moment = datetime.fromisoformat(local)
        if moment.tzinfo is not None:
            raise ValueError("an offset where local time was promised")
        return (moment - offset).replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise SourceMalformed(NAME, "a time is not in ISO 8601") from error


def _utc_or_none(local: str | None, offset: timedelta) -> datetime | None:
    # Older servers of Open-Meteo answer 1970-01-01T00:00 where the sun does not rise or set.
    return None if not local or local.startswith("1970-") else _utc(local, offset)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SourceMalformed(NAME, "a date is not in ISO 8601") from error


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
