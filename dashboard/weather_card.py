"""The weather card: what it shows, from the reads that it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from dashboard.answers import Answer, Failure, Outcome
from dashboard.choices import Choice
from dashboard.hours_chart import HoursChart, hours_chart, hours_to_come
from dashboard.links import Link, card_url, link_to, page_url
from dashboard.ranges import Range, ranges
from dashboard.search import where
from dashboard.status import Status, status_of
from dashboard.wording import compass, degrees, number, uv_name
from weather import openmeteo
from weather.codes import icon
from weather.schema import CurrentWeather, DailyForecast, Forecast, Units, local_time
from weather.units import DISPLAY_UNITS, first_days, in_units

DAYS = 7
LEAST_CHANCE = 10  # %
UNITS = {"metric": "Metric", "imperial": "Imperial"}
Sky = Literal["day", "night", "grey", "rain", "snow"]
_SKIES: dict[str, Sky] = {"overcast": "grey", "fog": "grey", "unknown": "grey", "snow": "snow", "clear-day": "day"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A measured value beside the temperature."""

    label: str
    value: str
    detail: str = ""
    bearing: int | None = None  # degrees; where an arrow points to


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The weather now, in words."""

    temperature: str
    description: str
    feels_like: str
    icon: str
    sky: Sky
    local_time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One row of the forecast."""

    date: str
    name: str
    icon: str
    description: str
    rain: str
    low: str
    high: str
    range: Range | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeatherCard:
    """All that the template needs. `now` and `days` can be missing apart from each other; `chart` where the
    forecast has no hours."""

    choice: Choice
    where: str
    page_url: str
    card_url: str
    status: Status
    units: list[Link]
    now: Now | None
    facts: list[Fact]
    chart: HoursChart | None
    days: list[Day]


def weather_card(
    choice: Choice, current: Outcome[CurrentWeather], forecast: Outcome[Forecast], *, now: datetime
) -> WeatherCard:
    """The card for what came of the two reads."""
    weather = in_units(current.value, choice.units) if isinstance(current, Answer) else None
    week = _coming_days(forecast.value, choice.units, now) if isinstance(forecast, Answer) else None
    today = week.days[0] if week and week.days else None
    # A card that waits for its main part shows nothing yet, even when the forecast is there.
    parts = [current] if isinstance(current, Failure) and not week else [current, forecast]
    return WeatherCard(
        choice=choice,
        where=where(choice.place),
        page_url=page_url(choice),
        card_url=card_url("weather", choice),
        status=status_of(parts, openmeteo.NAME, now),
        units=[link_to("weather", choice, "units", units, label) for units, label in UNITS.items()],
        now=_now(weather, now) if weather else None,
        facts=list(_facts(weather, today, week)),
        chart=hours_chart(week) if week else None,
        days=_days(week, weather, now) if week else [],
    )


def _coming_days(forecast: Forecast, units: Units, now: datetime) -> Forecast:
    """The next days from today on, and the next hours: a stale forecast may begin with a day that has passed."""
    today = local_time(now, forecast.utc_offset_seconds).date()
    coming = [day for day in forecast.days if day.date >= today]
    return first_days(replace(forecast, days=coming, hours=hours_to_come(forecast, now)), DAYS, units)


def _now(weather: CurrentWeather, now: datetime) -> Now:
    at_place = local_time(now, weather.utc_offset_seconds)
    picture = icon(weather.weather_code, is_day=weather.is_day)
    return Now(
        temperature=degrees(weather.temperature),
        description=weather.description,
        feels_like="" if weather.apparent_temperature is None else degrees(weather.apparent_temperature),
        icon=picture,
        sky=_sky(picture, is_day=weather.is_day is not False),
        local_time=f"{at_place:%a %H:%M}",
    )


def _sky(picture: str, *, is_day: bool) -> Sky:
    """The mood of the picture behind the temperature."""
    if not is_day:
        return "night"
    return _SKIES.get(picture, "day" if picture == "partly-cloudy-day" else "rain")


def _facts(weather: CurrentWeather | None, today: DailyForecast | None, week: Forecast | None) -> Iterator[Fact]:
    if weather is not None:
        yield from _measured(weather)
    if today is not None and week is not None:
        if today.uv_index_max is not None:
            yield Fact(label="UV index", value=number(today.uv_index_max), detail=uv_name(today.uv_index_max))
        yield from _sun(today, week.utc_offset_seconds)


def _measured(weather: CurrentWeather) -> Iterator[Fact]:
    names = DISPLAY_UNITS[weather.units]
    if weather.wind_speed is not None:
        bearing = weather.wind_direction
        yield Fact(
            label="Wind",
            value=f"{number(weather.wind_speed)} {names['wind_speed']}",
            detail="" if bearing is None else f"from {compass(bearing)}",
            bearing=None if bearing is None else (bearing + 180) % 360,
        )
    if weather.humidity is not None:
        yield Fact(label="Humidity", value=f"{weather.humidity} %")
    if weather.pressure is not None:
        yield Fact(label="Pressure", value=f"{number(weather.pressure)} {names['pressure']}")


def _sun(day: DailyForecast, offset: int) -> Iterator[Fact]:
    """Sunrise and sunset; where the sun does not rise or set that day, that."""
    if day.sunrise is None or day.sunset is None:
        return
    if day.sunrise == day.sunset:
        yield Fact(label="Sun", value="Down all day")
    elif day.sunset - day.sunrise >= timedelta(hours=24):
        yield Fact(label="Sun", value="Up all day")
    else:
        yield Fact(label="Sunrise", value=f"{local_time(day.sunrise, offset):%H:%M}")
        yield Fact(label="Sunset", value=f"{local_time(day.sunset, offset):%H:%M}")


def _chance(percent: int | None) -> str:
    """The chance of rain, where it is worth a look."""
    return f"{percent} %" if percent is not None and percent >= LEAST_CHANCE else ""


def _days(week: Forecast, weather: CurrentWeather | None, now: datetime) -> list[Day]:
    today = local_time(now, week.utc_offset_seconds).date()
    lows_and_highs = [(day.temperature_min, day.temperature_max) for day in week.days]
    bars = ranges(lows_and_highs, mark=weather.temperature if weather else None)
    return [
        Day(
            date=day.date.isoformat(),
            name="Today" if day.date == today else f"{day.date:%a}",
            icon=icon(day.weather_code),
            description=day.description,
            rain=_chance(day.precipitation_probability),
            low=degrees(day.temperature_min),
            high=degrees(day.temperature_max),
            range=bar,
        )
        for day, bar in zip(week.days, bars, strict=True)
    ]
