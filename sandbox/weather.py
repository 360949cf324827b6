"""Open-Meteo's forecast service: `GET /v1/forecast`, one place a request.

Wire format: https://open-meteo.com/en/docs; wording of errors as in its source. Weather that is asked for with
`timezone=auto` uses the zone of the nearest city.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict

from sandbox import forecast as forecasts
from sandbox.climate import Place, place_at
from sandbox.forecast import Unit, Units
from sandbox.providers import Provider, provided_by
from sandbox.replies import Endless, json_reply
from sandbox.timezones import UnknownTimezoneError, Zone, name_near, zone_named

DEFAULT_DAYS = 7
MOST_DAYS = 16
HOURLY_TYPE = (
    "SurfacePressureAndHeightVariable<VariableAndPreviousDay, ForecastPressureVariable, ForecastHeightVariable>"
)
DAILY_TYPE = "ForecastVariableDaily"


class WeatherRequestError(ValueError):
    """The request cannot be answered; the text is the reason on the wire."""


def refused(reason: str, status: int = 400) -> HttpResponse:
    """Return an error in Open-Meteo's form; there is never a Retry-After."""
    return json_reply({"error": True, "reason": reason}, status=status)


OPEN_METEO = Provider(
    service="weather",
    broken=lambda: refused("Internal Server Error", status=500),
    rate_limited=lambda: refused("Minutely API request limit exceeded. Please try again in one minute.", status=429),
    huge=Endless(
        head='{"latitude":52.52,"longitude":13.42,"utc_offset_seconds":0,"timezone":"GMT","elevation":38.0,'
        '"hourly_units":{"time":"iso8601","temperature_2m":"°C"},"hourly":{"temperature_2m":[',
        item="15.6",
        tail="]}}",
    ),
)


@provided_by(OPEN_METEO)
async def forecast(request: HttpRequest) -> HttpResponse:
    """Return the forecast asked for; 400 with a reason when the request is wrong."""
    started = time.perf_counter()
    try:
        place = _place(request.GET)
        zone = await asyncio.to_thread(_zone, request.GET, place, int(time.time()))
        answer = _sections(request.GET, place, zone, int(time.time()))
    except WeatherRequestError as error:
        return refused(str(error))
    head = {
        "latitude": place.latitude,
        "longitude": place.longitude,
        "generationtime_ms": (time.perf_counter() - started) * 1000,
        "utc_offset_seconds": zone.offset,
        "timezone": zone.name,
        "timezone_abbreviation": zone.abbreviation,
        "elevation": place.elevation,
    }
    return json_reply(head | answer)


def _sections(query: QueryDict, place: Place, zone: Zone, seconds: int) -> dict[str, Any]:
    """Return the sections asked for, each with its units; none asked for: none given."""
    days, units = _days(query), _units(query)
    now = _variables(query, "current", forecasts.MOMENT_VARIABLES, HOURLY_TYPE)
    hours = _variables(query, "hourly", forecasts.MOMENT_VARIABLES, HOURLY_TYPE)
    dates = _variables(query, "daily", forecasts.DAILY_VARIABLES, DAILY_TYPE)
    found: dict[str, Any] = {}
    if now:
        found |= forecasts.current(place, now, units=units, zone=zone, seconds=seconds)
    if hours:
        found |= forecasts.hourly(place, hours, units=units, zone=zone, seconds=seconds, days=days)
    if dates:
        found |= forecasts.daily(place, dates, units=units, zone=zone, seconds=seconds, days=days)
    return found


def _place(query: QueryDict) -> Place:
    latitude, longitude = _number(query, "latitude"), _number(query, "longitude")
    if not -90 <= latitude <= 90:  # false for NaN too
        raise WeatherRequestError(f"Latitude must be in range of -90 to 90°. Given: {latitude}.")
    if not -180 <= longitude <= 180:
        raise WeatherRequestError(f"Longitude must be in range of -180 to 180°. Given: {longitude}.")
    return place_at(latitude, longitude)


def _number(query: QueryDict, name: str) -> float:
    given = query.get(name, "")
    if not given:
        raise WeatherRequestError("Parameter 'latitude' and 'longitude' must not be empty")
    if "," in given:
        raise WeatherRequestError("Parameter 'latitude' and 'longitude' must not exceed 1 coordinates.")
    try:
        return float(given)
    except ValueError:
        raise WeatherRequestError(f"Value of type 'Float' required for key '{name}'.") from None


def _zone(query: QueryDict, place: Place, seconds: int) -> Zone:
    name = query.get("timezone") or "GMT"
    if name == "auto":
        name = name_near(place.latitude, place.longitude)
    try:
        return zone_named(name, seconds=seconds)
    except UnknownTimezoneError:
        raise WeatherRequestError("Invalid timezone") from None


def _days(query: QueryDict) -> int:
    given = query.get("forecast_days", str(DEFAULT_DAYS))
    try:
        days = int(given)
    except ValueError:
        raise WeatherRequestError("Value of type 'Int' required for key 'forecast_days'.") from None
    if not 0 <= days <= MOST_DAYS:
        raise WeatherRequestError(f"Forecast days is invalid. Allowed range 0 to {MOST_DAYS}. Given {days}.")
    return days


def _units(query: QueryDict) -> Units:
    return Units(
        temperature=_unit(query, "temperature_unit", "celsius", forecasts.TEMPERATURE_UNITS, "TemperatureUnit"),
        speed=_unit(query, "wind_speed_unit", "kmh", forecasts.WIND_SPEED_UNITS, "WindspeedUnit"),
        rain=_unit(query, "precipitation_unit", "mm", forecasts.PRECIPITATION_UNITS, "PrecipitationUnit"),
    )


def _unit(query: QueryDict, name: str, default: str, known: Mapping[str, Unit], type_name: str) -> Unit:
    given = query.get(name) or default
    if given not in known:
        raise WeatherRequestError(
            f"Data corrupted at path '{name}'. Cannot initialize {type_name} from invalid String value {given}."
        )
    return known[given]


def _variables(query: QueryDict, section: str, known: Mapping[str, object], type_name: str) -> list[str]:
    """Return the variables named for a section: separated by commas, or the parameter repeated."""
    names = [name.strip() for value in query.getlist(section) for name in value.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise WeatherRequestError(
                f"Data corrupted at path ''. Cannot initialize {type_name} from invalid String value {name}."
            )
    return list(dict.fromkeys(names))
