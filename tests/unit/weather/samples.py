"""Answers in Open-Meteo's wire format."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any


def place() -> dict[str, Any]:
    return {
        "latitude": 52.52,
        "longitude": 13.419998,
        "generationtime_ms": 0.05,
        "utc_offset_seconds": 7200,
        "timezone": "Europe/Berlin",
        "timezone_abbreviation": "GMT+2",
        "elevation": 38.0,
    }


def current_answer(**changes: Any) -> dict[str, Any]:
    values = {
        "time": "2025-09-08T09:00",
        "interval": 900,
        "temperature_2m": 15.6,
        "apparent_temperature": 15,
        "relative_humidity_2m": 87,
        "precipitation": 0.0,
        "weather_code": 3,
        "is_day": 1,
        "cloud_cover": 100,
        "pressure_msl": 1013.2,
        "wind_speed_10m": 10.0,
        "wind_direction_10m": 245,
        "wind_gusts_10m": 25.2,
    }
    return {**place(), "current_units": {"time": "iso8601"}, "current": {**values, **changes}}


def forecast_answer(days: int = 16) -> dict[str, Any]:
    dates = [date(2025, 9, 8) + timedelta(days=i) for i in range(days)]
    daily = {
        "time": [day.isoformat() for day in dates],
        "weather_code": [61] * days,
        "temperature_2m_max": [20.0 + i for i in range(days)],
        "temperature_2m_min": [10.0] * days,
        "sunrise": [f"{day}T06:30" for day in dates],
        "sunset": [f"{day}T19:40" for day in dates],
        "precipitation_sum": [2.54] * days,
        "precipitation_probability_max": [40] * days,
        "wind_speed_10m_max": [16.09344] * days,
        "uv_index_max": [5.5] * days,
    }
    times = [f"{day}T{hour:02}:00" for day in dates for hour in range(24)]
    hourly = {
        "time": times,
        "temperature_2m": [0.0] * len(times),
        "precipitation_probability": [10] * len(times),
        "precipitation": [25.4] * len(times),
        "weather_code": [0] * len(times),
        "wind_speed_10m": [16.1] * len(times),
    }
    return {**place(), "daily": daily, "hourly": hourly, "daily_units": {}, "hourly_units": {}}
