"""Units and days, applied after the cache: one entry, in metric and with all days, serves every wish."""

from __future__ import annotations

from msgspec.structs import replace

from weather.schema import CurrentWeather, DailyForecast, Forecast, HourlyForecast, Units, local_time

DISPLAY_UNITS: dict[Units, dict[str, str]] = {
    "metric": {"temperature": "°C", "wind_speed": "km/h", "precipitation": "mm", "pressure": "hPa"},
    "imperial": {"temperature": "°F", "wind_speed": "mph", "precipitation": "in", "pressure": "hPa"},
}
KILOMETRES_PER_MILE = 1.609344  # exact, the international mile of 1959
MILLIMETRES_PER_INCH = 25.4  # exact


def in_units(current: CurrentWeather, units: Units) -> CurrentWeather:
    """`current`, which is metric, in `units`."""
    if units == "metric":
        return current
    return replace(
        current,
        units=units,
        temperature=_fahrenheit(current.temperature),
        apparent_temperature=fahrenheit(current.apparent_temperature),
        precipitation=inches(current.precipitation),
        wind_speed=miles_per_hour(current.wind_speed),
        wind_gusts=miles_per_hour(current.wind_gusts),
    )


def first_days(forecast: Forecast, days: int, units: Units) -> Forecast:
    """The first `days` days of `forecast`, which is metric, with their hours, in `units`."""
    kept_days = forecast.days[:days]
    last = kept_days[-1].date if kept_days else None
    offset = forecast.utc_offset_seconds
    kept_hours = [hour for hour in forecast.hours if last and local_time(hour.time, offset).date() <= last]
    if units == "imperial":
        kept_days = [_imperial_day(day) for day in kept_days]
        kept_hours = [_imperial_hour(hour) for hour in kept_hours]
    return replace(forecast, units=units, days=kept_days, hours=kept_hours)


def _imperial_day(day: DailyForecast) -> DailyForecast:
    return replace(
        day,
        temperature_max=fahrenheit(day.temperature_max),
        temperature_min=fahrenheit(day.temperature_min),
        precipitation_sum=inches(day.precipitation_sum),
        wind_speed_max=miles_per_hour(day.wind_speed_max),
    )


def _imperial_hour(hour: HourlyForecast) -> HourlyForecast:
    return replace(
        hour,
        temperature=fahrenheit(hour.temperature),
        precipitation=inches(hour.precipitation),
        wind_speed=miles_per_hour(hour.wind_speed),
    )


def _fahrenheit(celsius: float) -> float:
    return round(celsius * 9 / 5 + 32, 1)


def fahrenheit(celsius: float | None) -> float | None:
    """°F to one decimal."""
    return None if celsius is None else _fahrenheit(celsius)


def miles_per_hour(kilometres_per_hour: float | None) -> float | None:
    """mph to one decimal."""
    return None if kilometres_per_hour is None else round(kilometres_per_hour / KILOMETRES_PER_MILE, 1)


def inches(millimetres: float | None) -> float | None:
    """Inches to two decimals, as rain gauges are read."""
    return None if millimetres is None else round(millimetres / MILLIMETRES_PER_INCH, 2)
