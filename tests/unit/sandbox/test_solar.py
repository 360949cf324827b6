"""The sun rises where and when it should."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import solar


def unix(*parts: int) -> int:
    """Return Unix seconds of a UTC date and time."""
    return int(datetime(*parts, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("latitude", "longitude", "noon", "sunrise", "sunset"),
    [
        (52.52, 13.41, (2025, 6, 21, 11), (2025, 6, 21, 2, 43), (2025, 6, 21, 19, 33)),
        (52.52, 13.41, (2025, 12, 21, 11), (2025, 12, 21, 7, 15), (2025, 12, 21, 14, 54)),
        (40.71, -74.01, (2025, 3, 20, 17), (2025, 3, 20, 10, 59), (2025, 3, 20, 23, 8)),
        (-33.87, 151.21, (2025, 1, 1, 2), (2024, 12, 31, 18, 48), (2025, 1, 1, 9, 9)),
    ],
)
def test_sunrise_and_sunset_match_almanacs_within_two_minutes(latitude, longitude, noon, sunrise, sunset):
    """Known days in Berlin, New York and Sydney come out as almanacs print them."""
    sun = solar.sun_times(latitude, longitude, unix(*noon))
    assert sun is not None
    assert abs(sun.sunrise - unix(*sunrise)) <= 120
    assert abs(sun.sunset - unix(*sunset)) <= 120


def test_there_is_neither_sunrise_nor_sunset_in_polar_day_and_night():
    """Tromso in midsummer and midwinter has no crossing of the horizon, and is light and dark at noon."""
    summer, winter = unix(2025, 6, 21, 11), unix(2025, 12, 21, 11)
    assert solar.sun_times(69.65, 18.96, summer) is None
    assert solar.sun_times(69.65, 18.96, winter) is None
    assert solar.is_day(69.65, 18.96, summer)
    assert not solar.is_day(69.65, 18.96, winter)


@settings(deadline=None)
@given(st.floats(-60, 60), st.floats(-180, 180), st.integers(unix(2000, 1, 1), unix(2060, 1, 1)))
def test_day_begins_at_sunrise_and_ends_at_sunset(latitude, longitude, moment):
    """Five minutes inside the two crossings it is day, five minutes outside it is night."""
    sun = solar.sun_times(latitude, longitude, moment)
    assert sun is not None
    assert solar.is_day(latitude, longitude, sun.sunrise + 300)
    assert solar.is_day(latitude, longitude, sun.sunset - 300)
    assert not solar.is_day(latitude, longitude, sun.sunrise - 300)
    assert not solar.is_day(latitude, longitude, sun.sunset + 300)


@settings(deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(unix(2000, 1, 1), unix(2060, 1, 1)))
def test_sun_times_are_ordered_and_near_the_moment_asked_for(latitude, longitude, moment):
    """Sunrise precedes sunset, and both lie within a day of the moment."""
    sun = solar.sun_times(latitude, longitude, moment)
    if sun is not None:
        assert sun.sunrise <= sun.sunset
        assert abs(sun.sunrise - moment) <= solar.DAY
        assert abs(sun.sunset - moment) <= solar.DAY
