"""The chart of the next hours, made of values."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from dashboard.hours_chart import FLOOR, HEIGHT, HOURS, TOP, HoursChart, hours_chart, hours_to_come
from tests.unit.dashboard.samples import bare_day, forecast, hour
from weather.schema import Forecast
from weather.units import first_days

START = datetime(2025, 9, 8, 22, 0, tzinfo=UTC)  # midnight at the place
POINT = re.compile(r"(\d+) (\d+\.\d)")


def week(*temperatures: float | None, **changes: Any) -> Forecast:
    """A forecast with one hour for each temperature, from midnight on."""
    hours = [hour(START + timedelta(hours=at), temperature=value) for at, value in enumerate(temperatures)]
    days = [bare_day((START + timedelta(hours=2)).date() + timedelta(days=at)) for at in range(3)]
    return replace(forecast(today=days[0].date, days=days), hours=hours, **changes)


def drawn(found: HoursChart | None) -> HoursChart:
    assert found is not None
    return found


def points(chart: HoursChart) -> list[tuple[int, float]]:
    return [(int(x), float(y)) for x, y in POINT.findall(chart.line)]


def test_it_begins_with_the_present_hour_and_lasts_a_day() -> None:
    """Also in the last minute of that hour, and with an old forecast."""
    found = hours_to_come(week(*[10.0] * 48), START + timedelta(hours=5, minutes=59))
    assert (found[0].time, len(found)) == (START + timedelta(hours=5), HOURS + 1)
    assert len(hours_to_come(week(*[10.0] * 48), START + timedelta(hours=40))) == 8
    assert hours_to_come(week(*[10.0] * 48), START + timedelta(hours=48)) == []


def test_the_line_goes_from_the_highest_to_the_lowest() -> None:
    """Warm is up; an hour is one unit wide; nothing leaves the picture."""
    chart = drawn(hours_chart(week(*[float(at) for at in range(HOURS + 1)])))
    assert [x for x, _ in points(chart)] == list(range(HOURS + 1))
    heights = [y for _, y in points(chart)]
    assert heights == sorted(heights, reverse=True)
    assert (min(heights), heights[-1]) == (TOP, TOP)
    assert max(heights) < FLOOR < HEIGHT


def test_a_calm_day_looks_calm() -> None:
    """A tenth of a degree is no cliff."""
    heights = [y for _, y in points(drawn(hours_chart(week(10.0, 10.1, 10.0))))]
    assert max(heights) - min(heights) < 3


def test_hours_without_a_temperature_part_the_line() -> None:
    """They are not bridged, and not taken for 0; a single hour between two gaps is no line."""
    chart = drawn(hours_chart(week(1.0, 2.0, None, 3.0, None, 4.0, 5.0)))
    assert [x for x, _ in points(chart)] == [0, 1, 5, 6]
    assert chart.line.count("M") == 2
    assert chart.rows[2].temperature == "\N{EN DASH}"


@pytest.mark.parametrize("temperatures", [(), (10.0,), (None, None, None), (None, 10.0)])
def test_without_two_temperatures_there_is_no_chart(temperatures: tuple[float | None, ...]) -> None:
    """Nothing to draw."""
    assert hours_chart(week(*temperatures)) is None


def test_bars_are_as_high_as_the_chance_of_rain() -> None:
    """None for no chance, and none for what is not known."""
    found = week(*[10.0] * 5)
    chances = [0, 50, 100, None, 10]
    hours = [replace(each, precipitation_probability=chance) for each, chance in zip(found.hours, chances, strict=True)]
    bars = drawn(hours_chart(replace(found, hours=hours))).bars
    assert [float(bar.x) for bar in bars] == [1.1, 2.1, 4.1]
    assert [float(bar.height) for bar in bars] == [18, 36, 3.6]
    assert {float(bar.y) + float(bar.height) for bar in bars} == {FLOOR}


def test_every_third_hour_is_named() -> None:
    """By the clocks of the place."""
    words = drawn(hours_chart(week(*[10.0] * (HOURS + 1)))).words
    times = [word for word in words if word.kind == "hour"]
    assert [word.text for word in times] == ["Now", "03", "06", "09", "12", "15", "18", "21", "00"]
    assert (times[0].anchor, times[1].anchor, times[-1].anchor) == ("start", "middle", "end")
    assert [word.text for word in words if word.kind == "degrees"] == ["10\N{DEGREE SIGN}"] * 8


def test_the_picture_is_told_in_words_and_in_a_table() -> None:
    """For those who do not see it: the extremes, and each hour."""
    found = week(10.0, 7.6, 12.0)
    hours = [found.hours[0], replace(found.hours[1], precipitation_probability=35, precipitation=0.4), found.hours[2]]
    chart = drawn(hours_chart(replace(found, hours=hours)))
    assert chart.summary == "Between 8° at 01:00 and 12° at 02:00. Chance of rain up to 35 % at 01:00."
    row = chart.rows[1]
    assert (row.time, row.iso) == ("Tue 01:00", "2025-09-09T01:00+02:00")
    assert (row.description, row.temperature, row.rain, row.amount, row.wind) == (
        "Overcast", "8°", "35 %", "0.4 mm", "10 km/h",
    )  # fmt: skip
    assert drawn(hours_chart(found)).summary.endswith("No rain expected.")


def test_it_is_in_the_units_of_the_forecast() -> None:
    """Degrees, millimetres and kilometres become others."""
    row = drawn(hours_chart(first_days(week(10.0, 20.0), 7, "imperial"))).rows[0]
    assert (row.temperature, row.amount, row.wind) == ("50°", "0 in", "6 mph")
