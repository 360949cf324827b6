"""Weather and news as loaders give them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from news.schema import Article, Headlines
from weather import openmeteo
from weather.schema import CurrentWeather, DailyForecast, Forecast, HourlyForecast

CREDIT = {
    "source": openmeteo.NAME,
    "attribution": openmeteo.ATTRIBUTION,
    "attribution_url": openmeteo.ATTRIBUTION_URL,
}
PLACE = {"latitude": 52.52, "longitude": 13.42, "timezone": "Europe/Berlin", "utc_offset_seconds": 7200}


def current_weather(**changes: Any) -> CurrentWeather:
    values = {
        "time": datetime(2025, 9, 8, 7, 0, tzinfo=UTC),
        "temperature": 15.6,
        "apparent_temperature": 14.4,
        "humidity": 87,
        "precipitation": 0.0,
        "weather_code": 3,
        "description": "Overcast",
        "is_day": True,
        "cloud_cover": 100,
        "pressure": 1013.2,
        "wind_speed": 10.0,
        "wind_direction": 225,
        "wind_gusts": 25.2,
    }
    return CurrentWeather(**{**PLACE, **CREDIT, **values, **changes})


def bare_weather() -> CurrentWeather:
    """All that may be missing is."""
    missing = ["apparent_temperature", "humidity", "precipitation", "weather_code", "is_day", "cloud_cover"]
    missing += ["pressure", "wind_speed", "wind_direction", "wind_gusts"]
    return current_weather(description="Unknown", **dict.fromkeys(missing))


def day(on: date, **changes: Any) -> DailyForecast:
    midnight = datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(hours=2)
    values = {
        "weather_code": 61,
        "description": "Slight rain",
        "temperature_max": 20.0,
        "temperature_min": 10.0,
        "sunrise": midnight + timedelta(hours=6, minutes=30),
        "sunset": midnight + timedelta(hours=19, minutes=40),
        "precipitation_sum": 2.5,
        "precipitation_probability": 40,
        "wind_speed_max": 16.0,
        "uv_index_max": 5.5,
    }
    return DailyForecast(date=on, **{**values, **changes})


def bare_day(on: date) -> DailyForecast:
    """All that may be missing is."""
    missing = ["weather_code", "temperature_max", "temperature_min", "sunrise", "sunset", "precipitation_sum"]
    missing += ["precipitation_probability", "wind_speed_max", "uv_index_max"]
    return day(on, description="Unknown", **dict.fromkeys(missing))


def forecast(*, today: date, days: list[DailyForecast] | None = None) -> Forecast:
    found = days if days is not None else [day(today + timedelta(days=i)) for i in range(16)]
    return Forecast(**PLACE, **CREDIT, days=found, hours=[])


def hour(at: datetime, **changes: Any) -> HourlyForecast:
    values = {
        "temperature": 12.0,
        "precipitation_probability": 0,
        "precipitation": 0.0,
        "weather_code": 3,
        "wind_speed": 10.0,
    }
    return HourlyForecast(time=at, **{**values, **changes})


def article(**changes: Any) -> Article:
    values = {
        "title": "A headline",
        "url": "https://example.org/story",
        "source": "The Example",
        "author": "",
        "summary": "What it is about.",
        "published": datetime(2025, 9, 8, 7, 0, tzinfo=UTC),
    }
    return Article(**{**values, **changes})


def headlines(articles: list[Article]) -> Headlines:
    return Headlines(
        articles=articles,
        total=len(articles),
        source="NewsAPI",
        attribution="Powered by NewsAPI.org",
        attribution_url="https://newsapi.org/",
    )
