"""WMO weather codes (table 4677, as Open-Meteo abridges it) in words and icons."""

from __future__ import annotations

from typing import NamedTuple


class _Meaning(NamedTuple):
    words: str
    icon: str
    has_night_icon: bool = False


_MEANINGS: dict[int, _Meaning] = {
    0: _Meaning("Clear sky", "clear", has_night_icon=True),
    1: _Meaning("Mainly clear", "clear", has_night_icon=True),
    2: _Meaning("Partly cloudy", "partly-cloudy", has_night_icon=True),
    3: _Meaning("Overcast", "overcast"),
    45: _Meaning("Fog", "fog"),
    48: _Meaning("Depositing rime fog", "fog"),
    51: _Meaning("Light drizzle", "drizzle"),
    53: _Meaning("Moderate drizzle", "drizzle"),
    55: _Meaning("Dense drizzle", "drizzle"),
    56: _Meaning("Light freezing drizzle", "sleet"),
    57: _Meaning("Dense freezing drizzle", "sleet"),
    61: _Meaning("Slight rain", "rain"),
    63: _Meaning("Moderate rain", "rain"),
    65: _Meaning("Heavy rain", "rain"),
    66: _Meaning("Light freezing rain", "sleet"),
    67: _Meaning("Heavy freezing rain", "sleet"),
    71: _Meaning("Slight snowfall", "snow"),
    73: _Meaning("Moderate snowfall", "snow"),
    75: _Meaning("Heavy snowfall", "snow"),
    77: _Meaning("Snow grains", "snow"),
    80: _Meaning("Slight rain showers", "showers", has_night_icon=True),
    81: _Meaning("Moderate rain showers", "showers", has_night_icon=True),
    82: _Meaning("Violent rain showers", "showers", has_night_icon=True),
    85: _Meaning("Slight snow showers", "snow"),
    86: _Meaning("Heavy snow showers", "snow"),
    95: _Meaning("Thunderstorm", "thunderstorm"),
    96: _Meaning("Thunderstorm with slight hail", "thunderstorm"),
    99: _Meaning("Thunderstorm with heavy hail", "thunderstorm"),
}
_UNKNOWN = _Meaning("Unknown", "unknown")

ICONS = frozenset(
    name
    for meaning in [*_MEANINGS.values(), _UNKNOWN]
    for name in ([f"{meaning.icon}-day", f"{meaning.icon}-night"] if meaning.has_night_icon else [meaning.icon])
)


def describe(code: int | None) -> str:
    """The code in words; "Unknown" for one that is missing or not in the table."""
    return _meaning(code).words


def icon(code: int | None, *, is_day: bool | None = True) -> str:
    """The name of the icon, one of ICONS; daylight is assumed where it is not known."""
    meaning = _meaning(code)
    if not meaning.has_night_icon:
        return meaning.icon
    return f"{meaning.icon}-night" if is_day is False else f"{meaning.icon}-day"


def _meaning(code: int | None) -> _Meaning:
    return _UNKNOWN if code is None else _MEANINGS.get(code, _UNKNOWN)
