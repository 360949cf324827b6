"""The Open-Meteo client: what it asks for, what it makes of the answers, what it refuses to believe."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import msgspec
import pytest

from cache_platform.exceptions import SourceMalformed, SourceRateLimited, SourceRefused
from tests.unit.provider_double import answering
from tests.unit.weather.samples import current_answer, forecast_answer
from weather import openmeteo
from weather.schema import CurrentWeather, Forecast
from weather.units import in_units


def current(answer: dict[str, Any] | httpx.Response) -> CurrentWeather:
    response = answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)
    with openmeteo.source.through(answering(response)):
        return openmeteo.load_current(52.52, 13.41)


def forecast(answer: dict[str, Any]) -> Forecast:
    with openmeteo.source.through(answering(httpx.Response(200, json=answer))):
        return openmeteo.load_forecast(52.52, 13.41)


def test_the_current_weather_is_read() -> None:
    """Times become UTC, codes words, whole numbers whole; the source is credited."""
    assert current(current_answer()) == CurrentWeather(
        latitude=52.52,
        longitude=13.419998,
        timezone="Europe/Berlin",
        utc_offset_seconds=7200,
        time=datetime(2025, 9, 8, 7, 0, tzinfo=UTC),
        temperature=15.6,
        apparent_temperature=15.0,
        humidity=87,
        precipitation=0.0,
        weather_code=3,
        description="Overcast",
        is_day=True,
        cloud_cover=100,
        pressure=1013.2,
        wind_speed=10.0,
        wind_direction=245,
        wind_gusts=25.2,
        source="Open-Meteo",
        attribution="Weather data by Open-Meteo.com (CC BY 4.0)",
        attribution_url="https://open-meteo.com/",
    )


def test_the_request_names_what_is_read() -> None:
    """All variables of the struct, plain decimals, the place's own time zone, metric by default."""
    requests: list[httpx.Request] = []
    with openmeteo.source.through(answering(httpx.Response(200, json=current_answer()), requests=requests)):
        openmeteo.load_current(0.0, -0.01)
    params = dict(requests[0].url.params)
    assert requests[0].url.path == "/v1/forecast"
    assert params.pop("current").split(",") == [
        name for name in current_answer()["current"] if name not in {"time", "interval"}
    ]
    assert params == {"latitude": "0.00", "longitude": "-0.01", "timezone": "auto"}


def test_a_forecast_is_always_asked_for_in_full() -> None:
    """16 days, whatever the reader wants: units and days are applied after the cache."""
    requests: list[httpx.Request] = []
    with openmeteo.source.through(answering(httpx.Response(200, json=forecast_answer()), requests=requests)):
        openmeteo.load_forecast(52.52, 13.41)
    params = requests[0].url.params
    assert params["forecast_days"] == "16"
    assert params["daily"].split(",") == [name for name in forecast_answer()["daily"] if name != "time"]
    assert params["hourly"].split(",") == [name for name in forecast_answer()["hourly"] if name != "time"]
    assert not {"temperature_unit", "wind_speed_unit", "precipitation_unit"} & set(params)


def test_a_forecast_is_read() -> None:
    """Days by the place's calendar, moments in UTC."""
    read = forecast(forecast_answer())
    assert (len(read.days), len(read.hours)) == (16, 384)
    assert read.days[0].date == date(2025, 9, 8)
    assert read.days[0].description == "Slight rain"
    assert read.days[0].sunrise == datetime(2025, 9, 8, 4, 30, tzinfo=UTC)
    assert read.days[15].temperature_max == 35.0
    assert read.hours[0].time == datetime(2025, 9, 7, 22, 0, tzinfo=UTC)
    assert read.hours[0].precipitation_probability == 10


@pytest.mark.parametrize("load", ["current", "forecast"])
def test_values_survive_the_cache(load: str) -> None:
    """Encoded and decoded they are equal, so a hit shows what the load showed."""
    value = current(current_answer()) if load == "current" else forecast(forecast_answer())
    for codec in (msgspec.msgpack, msgspec.json):
        assert codec.decode(codec.encode(value), type=type(value)) == value


def test_what_the_provider_does_not_know_is_none() -> None:
    """A null costs its own field only, except for the temperature."""
    nulls = {name: None for name in current_answer()["current"] if name not in {"time", "temperature_2m"}}
    read = current(current_answer(**nulls))
    assert read.temperature == 15.6
    assert (read.humidity, read.weather_code, read.is_day, read.wind_speed) == (None, None, None, None)
    assert read.description == "Unknown"
    with pytest.raises(SourceMalformed):
        current(current_answer(temperature_2m=None))


def test_holes_in_a_forecast_are_none() -> None:
    """Open-Meteo sends null for hours and days that a model does not reach."""
    answer = forecast_answer()
    for name, column in answer["daily"].items():
        column[15] = column[15] if name == "time" else None
    for name, column in answer["hourly"].items():
        column[-1] = column[-1] if name == "time" else None
    read = forecast(answer)
    last = read.days[15]
    assert (last.temperature_max, last.sunrise, last.weather_code) == (None, None, None)
    assert read.hours[-1].temperature is None


def test_a_forecast_without_any_temperature_is_malformed() -> None:
    """Nothing to show is not a value to keep for hours."""
    answer = forecast_answer()
    answer["daily"]["temperature_2m_max"] = [None] * 16
    with pytest.raises(SourceMalformed):
        forecast(answer)


@pytest.mark.parametrize("sun", [None, "", "1970-01-01T00:00"])
def test_no_sunrise_is_none(sun: str | None) -> None:
    """Beyond the polar circles, in the ways that servers say it."""
    answer = forecast_answer()
    answer["daily"]["sunrise"][0] = sun
    assert forecast(answer).days[0].sunrise is None


@pytest.mark.parametrize(
    "changes",
    [
        {"time": "yesterday"},
        {"time": "2025-09-08T09:00+02:00"},
        {"time": "0001-01-01T00:00"},
        {"time": 1757314800},
        {"temperature_2m": "15.6"},
        {"weather_code": "rain"},
        {"weather_code": 1e300},
        {"relative_humidity_2m": 10**30},
        {"is_day": []},
        *({name: 1e308} for name in current_answer()["current"] if name not in {"time", "interval"}),
        {"temperature_2m": -1e6},
    ],
)
def test_a_current_answer_of_wrong_types_is_malformed(changes: dict[str, Any]) -> None:
    """Also where Python alone would have taken it."""
    with pytest.raises(SourceMalformed):
        current(current_answer(**changes))


@pytest.mark.parametrize("offset", [None, "7200", 86_400, -86_400, 10**18])
def test_an_impossible_offset_is_malformed(offset: Any) -> None:
    """Less than a day."""
    with pytest.raises(SourceMalformed):
        current({**current_answer(), "utc_offset_seconds": offset})


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        ("daily", "temperature_2m_max", [1.0] * 15),
        ("daily", "time", ["2025-09-08"] * 17),
        ("daily", "time", ["someday"] * 16),
        ("daily", "sunrise", ["6:30"] * 16),
        ("daily", "weather_code", None),
        ("daily", "weather_code", "61"),
        ("hourly", "time", ["2025-09-08"]),
        ("hourly", "time", ["later"] * 384),
        ("hourly", "temperature_2m", ["warm"] * 384),
        ("hourly", "weather_code", [10**9] * 384),
    ],
)
def test_a_forecast_of_wrong_shape_is_malformed(table: str, column: str, values: Any) -> None:
    """Arrays that differ in length would give a day another day's weather."""
    answer = forecast_answer()
    answer[table][column] = values
    with pytest.raises(SourceMalformed):
        forecast(answer)


@pytest.mark.parametrize("place", [{"latitude": 1e308}, {"longitude": -1e308}, {"timezone": "x" * 101}])
def test_an_impossible_place_is_malformed(place: dict[str, Any]) -> None:
    """Whatever the provider says is kept and shown, so all of it has bounds."""
    with pytest.raises(SourceMalformed):
        current({**current_answer(), **place})


NUMBERS = [
    (table, column)
    for table in ("daily", "hourly")
    for column in forecast_answer()[table]
    if column not in {"time", "sunrise", "sunset"}
]


@pytest.mark.parametrize(("table", "column"), NUMBERS)
def test_a_number_beyond_all_weather_is_malformed(table: str, column: str) -> None:
    """Converted to other units it would be infinite."""
    answer = forecast_answer()
    answer[table][column][3] = 1e308
    with pytest.raises(SourceMalformed):
        forecast(answer)


def test_the_largest_number_is_a_number_in_all_units() -> None:
    """What the provider may say stays within what the cache and the API promise."""
    read = in_units(current(current_answer(temperature_2m=100_000)), "imperial")
    assert msgspec.convert(msgspec.to_builtins(read), CurrentWeather).temperature == 180_032


def test_days_and_hours_are_bounded() -> None:
    """A forecast of 45,000 hours on one day would be kept, and sent to everybody."""
    with pytest.raises(SourceMalformed):
        forecast(forecast_answer(days=17))
    most, answer = 16 * 24 + 25, forecast_answer()
    answer["hourly"] = {name: [column[0]] * most for name, column in answer["hourly"].items()}
    assert len(forecast(answer).hours) == most
    answer["hourly"] = {name: [column[0]] * (most + 1) for name, column in answer["hourly"].items()}
    with pytest.raises(SourceMalformed):
        forecast(answer)


@pytest.mark.parametrize("missing", ["daily", "hourly"])
def test_a_forecast_with_a_part_missing_is_malformed(missing: str) -> None:
    """Both were asked for."""
    answer = forecast_answer()
    del answer[missing]
    with pytest.raises(SourceMalformed):
        forecast(answer)


def test_an_empty_forecast_is_malformed() -> None:
    """No days at all."""
    with pytest.raises(SourceMalformed):
        forecast(forecast_answer(days=0))


def test_a_refusal_tells_the_reason() -> None:
    """Open-Meteo's 400."""
    body = {"error": True, "reason": "Latitude must be in range of -90 to 90°. Given: 200.0."}
    with pytest.raises(SourceRefused, match="Latitude must be in range"):
        current(httpx.Response(400, json=body))


def test_a_used_up_quota_is_rate_limited() -> None:
    """Open-Meteo's 429 has no Retry-After."""
    body = {"error": True, "reason": "Minutely API request limit exceeded. Please try again in one minute."}
    with pytest.raises(SourceRateLimited) as caught:
        current(httpx.Response(429, json=body))
    assert caught.value.retry_after is None


def test_the_address_follows_the_settings(settings: Any) -> None:
    """WEATHER_URL first, then the sandbox, else the world."""
    settings.SANDBOX_URL, settings.PROVIDERS, settings.WEATHER_URL = "http://sandbox.test", "sandbox", None
    assert openmeteo.base_url() == "http://sandbox.test"
    settings.PROVIDERS = "live"
    assert openmeteo.base_url() == "https://api.open-meteo.com"
    settings.WEATHER_URL = "http://own.test"
    assert openmeteo.base_url() == "http://own.test"
