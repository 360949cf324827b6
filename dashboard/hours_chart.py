"""The chart of the hours to come: where its line, its bars and its words stand. Pure functions.

The picture is an SVG made on the server, so it needs no script. Its width is the card's: lengths along it are in hours,
or in percent; heights are in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dashboard.wording import degrees, number
from weather.codes import describe
from weather.schema import Forecast, HourlyForecast, local_time
from weather.units import DISPLAY_UNITS

HOURS = 24
LABEL_EVERY = 3
TOP, LINE, BARS = 30, 56, 36
"""Pixels: the room for words above the line, the line's own, and that of a bar for 100 %."""
FLOOR = TOP + LINE + BARS
HEIGHT = FLOOR + 20
LEAST_SPAN = 4.0
"""Degrees that the line's height stands for at least, so that a calm day looks calm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A text in the picture: `x` in percent, `anchor` as SVG has it."""

    kind: Literal["hour", "degrees"]
    x: str
    y: str
    anchor: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A chance of rain, an hour wide, as SVG attributes."""

    x: str
    y: str
    height: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An hour in words, for the table beside the picture."""

    iso: str
    time: str
    description: str
    temperature: str
    rain: str
    amount: str
    wind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursChart:
    """All that the template needs. `line` and `area` are SVG paths; `summary` says in words what the picture shows."""

    line: str
    area: str
    bars: list[Bar]
    words: list[Word]
    rows: list[Row]
    summary: str
    height: int = HEIGHT
    floor: int = FLOOR
    hours: int = HOURS


def hours_to_come(forecast: Forecast, now: datetime) -> list[HourlyForecast]:
    """From the hour that `now` is in on, as many as the chart shows; fewer where the forecast ends."""
    return [hour for hour in forecast.hours if hour.time > now - timedelta(hours=1)][: HOURS + 1]


def hours_chart(forecast: Forecast) -> HoursChart | None:
    """The chart of `forecast.hours`, which are in its units and those to come; None where there is nothing to draw."""
    hours = forecast.hours
    values = [hour.temperature for hour in hours]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    heights = _heights(values, min(known), max(known))
    return HoursChart(
        line=_path(heights),
        area=_area(heights),
        bars=[bar for at, hour in enumerate(hours) if at < HOURS and (bar := _bar(at, hour))],
        words=_words(forecast, heights),
        rows=[_row(forecast, hour) for hour in hours],
        summary=_summary(forecast),
    )


def _heights(values: Sequence[float | None], low: float, high: float) -> list[float | None]:
    """Where the line is at each hour, in pixels from the top."""
    spare = max(LEAST_SPAN - (high - low), 0) / 2
    low, high = low - spare, high + spare
    return [None if value is None else TOP + LINE * (high - value) / (high - low) for value in values]


def _pieces(heights: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The points of the line, parted where an hour lacks its value."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for at, height in enumerate(heights):
        if height is None:
            pieces.append([])
        else:
            pieces[-1].append((at, height))
    return [piece for piece in pieces if len(piece) > 1]


def _path(heights: Sequence[float | None]) -> str:
    return " ".join("M" + "L".join(f"{at} {height:.1f}" for at, height in piece) for piece in _pieces(heights))


def _area(heights: Sequence[float | None]) -> str:
    """What is below the line, down to the floor."""
    return " ".join(
        f"M{piece[0][0]} {FLOOR}L{'L'.join(f'{at} {height:.1f}' for at, height in piece)}L{piece[-1][0]} {FLOOR}z"
        for piece in _pieces(heights)
    )


def _bar(at: int, hour: HourlyForecast) -> Bar | None:
    """Nothing where there is no chance of rain, or none is known."""
    if not hour.precipitation_probability:
        return None
    height = BARS * min(hour.precipitation_probability, 100) / 100
    return Bar(x=f"{at + 0.1:.1f}", y=f"{FLOOR - height:.1f}", height=f"{height:.1f}")


def _words(forecast: Forecast, heights: Sequence[float | None]) -> list[Word]:
    """Every third hour: its temperature above the line, its time below the floor."""
    words = []
    for at in range(0, len(heights), LABEL_EVERY):
        hour, height = forecast.hours[at], heights[at]
        place = {"x": f"{at / HOURS * 100:g}%", "anchor": {0: "start", HOURS: "end"}.get(at, "middle")}
        time = f"{local_time(hour.time, forecast.utc_offset_seconds):%H}"
        words.append(Word(kind="hour", **place, y=str(HEIGHT - 3), text=time if at else "Now"))
        if height is not None and at < HOURS:  # at the edge it would meet the one before, on a phone
            words.append(Word(kind="degrees", **place, y=f"{height - 10:.1f}", text=degrees(hour.temperature)))
    return words


def _row(forecast: Forecast, hour: HourlyForecast) -> Row:
    names = DISPLAY_UNITS[forecast.units]
    at_place = local_time(hour.time, forecast.utc_offset_seconds)
    return Row(
        iso=at_place.isoformat(timespec="minutes"),
        time=f"{at_place:%a %H:%M}",
        description=describe(hour.weather_code),
        temperature=degrees(hour.temperature),
        rain=_or_dash(hour.precipitation_probability, "%"),
        amount=_or_dash(hour.precipitation, names["precipitation"]),
        wind="\N{EN DASH}" if hour.wind_speed is None else f"{number(hour.wind_speed)} {names['wind_speed']}",
    )


def _or_dash(value: float | None, unit: str) -> str:
    return "\N{EN DASH}" if value is None else f"{value:g} {unit}"


def _summary(forecast: Forecast) -> str:
    """The lowest and the highest temperature, and the highest chance of rain, with their times."""

    def time(hour: HourlyForecast) -> str:
        return f"{local_time(hour.time, forecast.utc_offset_seconds):%H:%M}"

    known = [(hour.temperature, hour) for hour in forecast.hours if hour.temperature is not None]
    low, high = min(known, key=lambda pair: pair[0]), max(known, key=lambda pair: pair[0])
    words = f"Between {degrees(low[0])} at {time(low[1])} and {degrees(high[0])} at {time(high[1])}."
    chances = [(hour.precipitation_probability or 0, hour) for hour in forecast.hours]
    most = max(chances, key=lambda pair: pair[0])
    if not most[0]:
        return f"{words} No rain expected."
    return f"{words} Chance of rain up to {most[0]} % at {time(most[1])}."
