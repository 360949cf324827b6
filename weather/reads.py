"""The weather through the cache: what pages and the API call."""

from __future__ import annotations

from cache_platform import Read, read
from weather import openmeteo
from weather.policies import CURRENT, FORECAST
from weather.schema import CurrentWeather, Forecast


def read_current(lat: float, lon: float, *, caller: str | None = None) -> Read[CurrentWeather]:
    """The weather now, metric. Coordinates are those of weather.coordinates. Raises SourceError and LoadRefused."""
    return read(CURRENT, {"lat": lat, "lon": lon}, openmeteo.load_current, caller=caller)


def read_forecast(lat: float, lon: float, *, caller: str | None = None) -> Read[Forecast]:
    """Sixteen days of forecast, metric. Raises SourceError and LoadRefused."""
    return read(FORECAST, {"lat": lat, "lon": lon}, openmeteo.load_forecast, caller=caller)
