"""The weather is the same for everybody, and looks real."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import climate
from sandbox.climate import HOUR, air_at, air_in_hour, place_at

LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)
MOMENTS = st.integers(946_684_800, 2_840_140_800)
SNOW = {71, 73, 75}
RAIN = {51, 53, 61, 63, 65, 80, 81, 95}
DRY = {0, 1, 2, 3, 45, 48}


def mean_temperature(latitude: float, longitude: float, month: int) -> float:
    """Return the mean over four weeks from the first of a month in 2025, °C."""
    first = int(datetime(2025, month, 1, tzinfo=UTC).timestamp()) // HOUR
    place = place_at(latitude, longitude)
    return fmean(air_in_hour(place, first + hour).temperature for hour in range(0, 24 * 28, 3))


@settings(max_examples=150, deadline=None)
@given(LATITUDES, LONGITUDES, MOMENTS)
def test_every_value_is_physically_possible(latitude, longitude, moment):
    """No place or moment leaves the range of what has been measured on Earth."""
    air = air_at(place_at(latitude, longitude), moment)
    assert -95 < air.temperature < 58
    assert 0 < air.humidity <= 100
    assert 0 <= air.cloud <= 100
    assert 0 <= air.precipitation < 60
    assert 0 <= air.chance <= 100
    assert 930 < air.pressure < 1070
    assert 0 <= air.wind <= air.gusts < 200
    assert air.apparent < air.temperature + 15


@settings(max_examples=150, deadline=None)
@given(LATITUDES, LONGITUDES, MOMENTS)
def test_weather_code_agrees_with_precipitation_and_temperature(latitude, longitude, moment):
    """Rain and snow codes come with precipitation, and snow only when it is cold."""
    air = air_at(place_at(latitude, longitude), moment)
    if air.precipitation == 0:
        assert air.code in DRY
    elif air.temperature <= climate.SNOW_LIMIT:
        assert air.code in SNOW
    else:
        assert air.code in RAIN
    if air.precipitation > 0:
        assert air.cloud >= 75


@settings(max_examples=150, deadline=None)
@given(LATITUDES, LONGITUDES, MOMENTS)
def test_a_moment_lies_between_the_hours_around_it(latitude, longitude, moment):
    """A temperature between two full hours never leaves their range, so daily extremes hold at all times."""
    place, hour = place_at(latitude, longitude), moment // HOUR
    around = [air_in_hour(place, hour).temperature, air_in_hour(place, hour + 1).temperature]
    assert min(around) <= air_at(place, moment).temperature <= max(around)


def test_another_process_computes_the_same_weather():
    """The values do not depend on the process, its hash seed or what it was asked before."""
    program = "from sandbox.climate import air_at, place_at; print(air_at(place_at(52.52, 13.41), 1757314800))"
    found = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {str(air_at(place_at(52.52, 13.41), 1757314800))}


@pytest.mark.parametrize(
    ("latitude", "longitude", "warm", "cold"),
    [(52.52, 13.41, 7, 1), (40.71, -74.01, 7, 1), (-33.87, 151.21, 1, 7), (-54.8, -68.3, 1, 7)],
)
def test_seasons_are_opposite_in_the_two_hemispheres(latitude, longitude, warm, cold):
    """July is warm in the north and cold in the south."""
    assert mean_temperature(latitude, longitude, warm) > mean_temperature(latitude, longitude, cold) + 3


@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_the_tropics_are_warmer_than_the_poles_in_every_season(month):
    """Singapore, Berlin's latitude and the poles come in this order."""
    tropics = mean_temperature(1.35, 103.8, month)
    temperate = mean_temperature(52.52, 13.41, month)
    assert 18 < tropics < 34
    assert tropics > temperate
    assert temperate > mean_temperature(-89, 0, month)
    assert temperate > mean_temperature(89, 0, month)


def test_afternoons_are_warmer_than_nights_on_average():
    """Over a month in Madrid's latitude three in the afternoon is warmer than four in the morning."""
    place = place_at(40.42, 0.0)
    first = int(datetime(2025, 7, 1, tzinfo=UTC).timestamp()) // HOUR
    afternoon = fmean(air_in_hour(place, first + 24 * day + 15).temperature for day in range(30))
    night = fmean(air_in_hour(place, first + 24 * day + 4).temperature for day in range(30))
    assert afternoon > night + 3


def test_rain_is_neither_rare_nor_constant_in_a_year():
    """Between one and a half of all hours are wet, and all kinds of sky occur."""
    place = place_at(52.52, 13.41)
    first = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) // HOUR
    year = [air_in_hour(place, first + hour) for hour in range(0, 24 * 365, 4)]
    assert 0.04 < fmean(air.precipitation > 0 for air in year) < 0.4
    assert {air.code for air in year} >= {0, 1, 2, 3, 61, 71}


@settings(deadline=None)
@given(LATITUDES, LONGITUDES)
def test_coordinates_snap_to_a_grid_near_them(latitude, longitude):
    """The grid point is within a hundredth of a degree and a grid point of itself."""
    place = place_at(latitude, longitude)
    assert abs(place.latitude - latitude) <= 0.0101
    assert abs(place.longitude - longitude) <= 0.0101
    assert -90 <= place.latitude <= 90
    assert -180 <= place.longitude <= 180
    assert place_at(place.latitude, place.longitude) == place
