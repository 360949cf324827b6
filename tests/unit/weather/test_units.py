"""Units and days, applied after the cache."""

from __future__ import annotations

import httpx
import pytest

from tests.unit.provider_double import answering
from tests.unit.weather.samples import current_answer, forecast_answer
from weather import openmeteo
from weather.schema import CurrentWeather, Forecast, local_time
from weather.units import DISPLAY_UNITS, fahrenheit, first_days, in_units, inches, miles_per_hour


@pytest.fixture(scope="module")
def current() -> CurrentWeather:
    with openmeteo.source.through(answering(httpx.Response(200, json=current_answer(precipitation=2.54)))):
        return openmeteo.load_current(52.52, 13.41)


@pytest.fixture(scope="module")
def forecast() -> Forecast:
    with openmeteo.source.through(answering(httpx.Response(200, json=forecast_answer()))):
        return openmeteo.load_forecast(52.52, 13.41)


@pytest.mark.parametrize(("celsius", "expected"), [(0.0, 32.0), (100.0, 212.0), (-40.0, -40.0), (15.6, 60.1)])
def test_celsius_to_fahrenheit(celsius: float, expected: float) -> None:
    """Where the scales meet, too."""
    assert fahrenheit(celsius) == expected


def test_lengths_and_speeds() -> None:
    """By the exact definitions of mile and inch."""
    assert miles_per_hour(160.9344) == 100.0
    assert inches(25.4) == 1.0
    assert inches(0.0) == 0.0


def test_none_stays_none() -> None:
    """What is not known in metric is not known in imperial."""
    assert fahrenheit(None) is miles_per_hour(None) is inches(None) is None


def test_metric_is_the_value_itself(current: CurrentWeather) -> None:
    """No copy for the usual case."""
    assert in_units(current, "metric") is current


def test_imperial_changes_the_measures_and_nothing_else(current: CurrentWeather) -> None:
    """The cached value stays as it is."""
    shown = in_units(current, "imperial")
    assert (shown.temperature, shown.apparent_temperature) == (60.1, 59.0)
    assert (shown.wind_speed, shown.wind_gusts, shown.precipitation) == (6.2, 15.7, 0.1)
    assert shown.units == "imperial"
    assert (shown.pressure, shown.humidity, shown.time) == (current.pressure, current.humidity, current.time)
    assert current.units == "metric"


@pytest.mark.parametrize("days", [1, 7, 16])
def test_a_forecast_has_as_many_days_as_wanted_with_their_hours(forecast: Forecast, days: int) -> None:
    """Days of the place, not of UTC: the first hour kept is its midnight, the last its 23:00."""
    shown = first_days(forecast, days, "metric")
    assert (len(shown.days), len(shown.hours)) == (days, 24 * days)
    last = local_time(shown.hours[-1].time, shown.utc_offset_seconds)
    assert (last.date(), last.hour) == (shown.days[-1].date, 23)
    assert len(forecast.days) == 16


def test_an_imperial_forecast_is_converted(forecast: Forecast) -> None:
    """Days and hours."""
    shown = first_days(forecast, 2, "imperial")
    day, hour = shown.days[1], shown.hours[0]
    assert (day.temperature_max, day.temperature_min) == (69.8, 50.0)
    assert (day.precipitation_sum, day.wind_speed_max) == (0.1, 10.0)
    assert (hour.temperature, hour.precipitation, hour.wind_speed) == (32.0, 1.0, 10.0)
    assert shown.units == "imperial"


def test_both_systems_name_the_same_measures() -> None:
    """A page can look up any of them."""
    assert DISPLAY_UNITS["metric"].keys() == DISPLAY_UNITS["imperial"].keys()
