"""The weather card, made of values."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cache_platform.reads import Read
from dashboard.answers import Answer, Failure, Trouble
from dashboard.choices import Choice
from dashboard.weather_card import Fact, WeatherCard, weather_card
from tests.unit.dashboard.samples import bare_day, bare_weather, current_weather, day, forecast
from weather.codes import describe

NOW = datetime(2025, 9, 8, 23, 30, tzinfo=UTC)  # at the place, two hours ahead, the 9th has begun
TODAY = date(2025, 9, 9)
FAILED = Failure(trouble=Trouble.SOURCE)


def answer(value: Any) -> Answer[Any]:
    return Answer(value=value, read=Read(value=value, policy="test.thing", source="hit", age=30, ttl=570))


def card(current: Any = None, week: Any = None, **choice: Any) -> WeatherCard:
    parts = [FAILED if value is None else answer(value) for value in (current, week)]
    return weather_card(Choice(**choice), *parts, now=NOW)


def facts(found: WeatherCard) -> dict[str, str]:
    return {fact.label: f"{fact.value} {fact.detail}".strip() for fact in found.facts}


def test_the_week_begins_with_today_at_the_place() -> None:
    """A stale forecast still holds yesterday, which is left out; there are seven days all the same."""
    found = card(week=forecast(today=TODAY - timedelta(days=1)))
    assert [row.date for row in found.days] == [(TODAY + timedelta(days=i)).isoformat() for i in range(7)]
    assert [row.name for row in found.days][:3] == ["Today", "Wed", "Thu"]


def test_a_forecast_that_has_run_out_is_none() -> None:
    """Nothing of it is of use today."""
    assert card(week=forecast(today=TODAY - timedelta(days=30))).days == []


def test_times_are_those_of_the_place() -> None:
    """Not the server's and not the visitor's."""
    found = card(current_weather(), forecast(today=TODAY))
    assert found.now is not None
    assert found.now.local_time == "Tue 01:30"
    assert (facts(found)["Sunrise"], facts(found)["Sunset"]) == ("06:30", "19:40")


def test_the_facts_are_in_the_chosen_units() -> None:
    """One reading, two systems."""
    found = facts(card(current_weather(), forecast(today=TODAY), units="imperial"))
    assert found["Wind"] == "6 mph from SW"
    assert found["Pressure"] == "1013 hPa"
    assert found["UV index"] == "6 high"


def test_the_arrow_points_where_the_wind_goes() -> None:
    """The bearing is where it comes from."""
    wind = card(current_weather(wind_direction=225)).facts[0]
    assert wind == Fact(label="Wind", value="10 km/h", detail="from SW", bearing=45)


def test_what_is_missing_is_left_out() -> None:
    """Only the temperature is certain; a day of which nothing is known has dashes."""
    found = card(bare_weather(), forecast(today=TODAY, days=[bare_day(TODAY)]))
    assert found.now is not None
    assert (found.now.temperature, found.now.feels_like, found.now.icon) == ("16°", "", "unknown")
    assert found.facts == []
    (row,) = found.days
    assert (row.low, row.high, row.rain, row.range) == ("\N{EN DASH}", "\N{EN DASH}", "", None)


@pytest.mark.parametrize(("sunset_after", "words"), [(0, "Down all day"), (24, "Up all day")])
def test_beyond_the_polar_circles_the_sun_does_neither(sunset_after: int, words: str) -> None:
    """As Open-Meteo writes it: equal times, or a day apart."""
    rise = datetime(2025, 9, 8, 22, 0, tzinfo=UTC)
    polar = day(TODAY, sunrise=rise, sunset=rise + timedelta(hours=sunset_after))
    found = facts(card(current_weather(), forecast(today=TODAY, days=[polar])))
    assert found["Sun"] == words
    assert "Sunrise" not in found


@pytest.mark.parametrize(
    ("code", "is_day", "sky"),
    [
        (0, True, "day"),
        (2, True, "day"),
        (3, True, "grey"),
        (45, True, "grey"),
        (61, True, "rain"),
        (80, True, "rain"),
        (95, True, "rain"),
        (73, True, "snow"),
        (0, False, "night"),
        (61, False, "night"),
        (None, None, "grey"),
        (12345, True, "grey"),
    ],
)
def test_the_sky_follows_the_weather(code: int | None, is_day: bool | None, sky: str) -> None:
    """Every code has one, and every night is dark."""
    found = card(current_weather(weather_code=code, description=describe(code), is_day=is_day)).now
    assert found is not None
    assert found.sky == sky


@pytest.mark.parametrize(("chance", "words"), [(None, ""), (0, ""), (9, ""), (10, "10 %"), (100, "100 %")])
def test_small_chances_of_rain_are_not_worth_a_number(chance: int | None, words: str) -> None:
    """Less than one in ten is noise."""
    found = card(week=forecast(today=TODAY, days=[day(TODAY, precipitation_probability=chance)]))
    assert found.days[0].rain == words


def test_a_card_without_anything_has_the_trouble_of_its_main_part() -> None:
    """The weather now decides what is said."""
    late, failed = Failure(trouble=Trouble.LATE), Failure(trouble=Trouble.BUDGET)
    assert weather_card(Choice(), late, failed, now=NOW).status.state == "late"
    assert weather_card(Choice(), failed, late, now=NOW).status.state == "error"
