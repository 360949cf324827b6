"""Sections of a forecast agree with each other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import forecast
from sandbox.climate import HOUR, place_at
from sandbox.forecast import DAILY_VARIABLES, MOMENT_VARIABLES, PRECIPITATION_UNITS, TEMPERATURE_UNITS, Units
from sandbox.timezones import UnknownTimezoneError, Zone, name_near, zone_named

GMT = Zone("GMT", "GMT", 0)
METRIC = Units()
IMPERIAL = Units(TEMPERATURE_UNITS["fahrenheit"], forecast.WIND_SPEED_UNITS["mph"], PRECIPITATION_UNITS["inch"])
NOON = 1_757_332_800
PLACES = st.builds(place_at, st.floats(-90, 90), st.floats(-180, 180))
MOMENTS = st.integers(946_684_800, 2_840_140_800)
ZONES = st.sampled_from([GMT, Zone("Asia/Kolkata", "IST", 19_800), Zone("Etc/GMT+9", "-09", -32_400)])


@settings(max_examples=60, deadline=None)
@given(PLACES, MOMENTS, ZONES, st.sampled_from([METRIC, IMPERIAL]))
def test_daily_values_bound_the_hourly_and_current_ones(place, moment, zone, units):
    """The day's extremes, sums and code cover its hours, in every unit and zone."""
    hours = forecast.hourly(place, list(MOMENT_VARIABLES), units=units, zone=zone, seconds=moment, days=2)["hourly"]
    days = forecast.daily(place, list(DAILY_VARIABLES), units=units, zone=zone, seconds=moment, days=2)["daily"]
    now = forecast.current(place, list(MOMENT_VARIABLES), units=units, zone=zone, seconds=moment)["current"]
    for day in (0, 1):
        span = slice(24 * day, 24 * day + 24)
        assert days["temperature_2m_max"][day] == max(hours["temperature_2m"][span])
        assert days["temperature_2m_min"][day] == min(hours["temperature_2m"][span])
        assert days["precipitation_probability_max"][day] == max(hours["precipitation_probability"][span])
        assert days["weather_code"][day] == max(hours["weather_code"][span])
        assert days["wind_speed_10m_max"][day] == max(hours["wind_speed_10m"][span])
        assert days["precipitation_sum"][day] == pytest.approx(sum(hours["precipitation"][span]), abs=0.02)
        assert days["uv_index_max"][day] >= 0
        assert days["sunrise"][day] <= days["sunset"][day]
    if zone.offset % HOUR == 0:  # else the listed hours lie between those that the weather is made of
        assert min(hours["temperature_2m"]) <= now["temperature_2m"] <= max(hours["temperature_2m"])
    assert (now["precipitation"] > 0) == (now["weather_code"] >= 50)


def test_current_conditions_are_rounded_down_to_the_quarter_hour():
    """14 minutes 59 seconds past is still the full hour."""
    found = forecast.current(place_at(52.52, 13.41), ["temperature_2m"], units=METRIC, zone=GMT, seconds=NOON + 899)
    assert found["current"]["time"] == "2025-09-08T12:00"
    assert found["current"]["interval"] == 900


def test_arrays_run_from_local_midnight_in_local_time():
    """Indian time shifts the day by five and a half hours, and labels say so."""
    zone = zone_named("Asia/Kolkata", seconds=NOON)
    found = forecast.hourly(place_at(19.07, 72.88), ["temperature_2m"], units=METRIC, zone=zone, seconds=NOON, days=16)
    assert zone.offset == 19_800
    assert found["hourly"]["time"][0] == "2025-09-08T00:00"
    assert found["hourly"]["time"][-1] == "2025-09-23T23:00"
    assert len(found["hourly"]["time"]) == len(found["hourly"]["temperature_2m"]) == 384
    assert (forecast.first_midnight(zone, NOON) + zone.offset) % (24 * HOUR) == 0


def test_imperial_values_are_the_metric_ones_converted():
    """Fahrenheit, miles and inches name the same weather."""
    place, names = place_at(52.52, 13.41), ["temperature_2m", "wind_speed_10m"]
    metric = forecast.current(place, names, units=METRIC, zone=GMT, seconds=NOON)
    imperial = forecast.current(place, names, units=IMPERIAL, zone=GMT, seconds=NOON)
    celsius = metric["current"]["temperature_2m"]
    assert imperial["current"]["temperature_2m"] == pytest.approx(celsius * 1.8 + 32, abs=0.06)
    assert imperial["current_units"] == {
        "time": "iso8601",
        "interval": "seconds",
        "temperature_2m": "°F",
        "wind_speed_10m": "mp/h",
    }


def test_polar_day_lasts_24_hours_and_polar_night_none():
    """Where the sun does not cross the horizon, the two times say how long it is light."""
    midsummer, midwinter = 1_750_507_200, 1_766_318_400
    place = place_at(78.22, 15.65)
    light = forecast.daily(place, ["sunrise", "sunset"], units=METRIC, zone=GMT, seconds=midsummer, days=1)["daily"]
    dark = forecast.daily(place, ["sunrise", "sunset"], units=METRIC, zone=GMT, seconds=midwinter, days=1)["daily"]
    assert (light["sunrise"], light["sunset"]) == (["2025-06-21T00:00"], ["2025-06-22T00:00"])
    assert dark["sunrise"] == dark["sunset"] == ["2025-12-21T00:00"]


@pytest.mark.parametrize(
    ("latitude", "longitude", "name"),
    [
        (52.52, 13.41, "Europe/Berlin"),
        (40.71, -74.01, "America/New_York"),
        (-33.87, 151.21, "Australia/Sydney"),
        (0.0, -140.0, "Etc/GMT+9"),
        (0.0, -30.0, "Etc/GMT+2"),
        (-80.0, 1.0, "GMT"),
    ],
)
def test_the_zone_of_a_place_is_that_of_the_nearest_city(latitude, longitude, name):
    """Cities lend their zone; at sea the longitude decides."""
    assert name_near(latitude, longitude) == name


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", ".", "Europe"])
def test_a_name_that_is_no_zone_is_refused(name):
    """Neither unknown names nor paths are read as zones."""
    with pytest.raises(UnknownTimezoneError):
        zone_named(name, seconds=NOON)
