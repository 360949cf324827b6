"""Weather that looks real: the state of the air at a place and hour, from its latitude, season and a smooth noise.

Everything is a pure function of place and time. Values between full hours (UTC) are blended, so the extremes of a
span of full hours hold for every moment in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from sandbox import noise, solar

HOUR = 3_600
SNOW_LIMIT = 0.5
"""Degrees Celsius: at or below, precipitation falls as snow."""


@dataclass(frozen=True, slots=True)
class Place:
    """A grid point: degrees, and metres above the sea."""

    latitude: float
    longitude: float
    elevation: float


@dataclass(frozen=True, slots=True)
class Air:
    """The air at one moment: °C, %, mm per hour, %, hPa, km/h."""

    temperature: float
    humidity: float
    cloud: float
    precipitation: float
    chance: float
    pressure: float
    wind: float
    gusts: float
    code: int

    @property
    def apparent(self) -> float:
        """What the temperature feels like in the shade, °C (R. G. Steadman 1994, as used in Australia)."""
        vapour = self.humidity / 100 * 6.105 * math.exp(17.27 * self.temperature / (237.7 + self.temperature))
        return self.temperature + 0.33 * vapour - 0.70 * self.wind / 3.6 - 4.0


def place_at(latitude: float, longitude: float) -> Place:
    """Return the grid point (0.02 degrees apart) nearest to the coordinates, with a made-up elevation."""
    lat = round(math.floor(latitude * 50 + 0.5) / 50, 2)
    lon = round(math.floor(longitude * 50 + 0.5) / 50, 2)
    hills = noise.field("hills", lat, lon, 0, degrees=3, period=1)
    return Place(lat, lon, float(round(4 + 520 * hills**2.5)))


def air_at(place: Place, seconds: int) -> Air:
    """Return the air at Unix time `seconds`, blended between the full hours around it."""
    hour, rest = divmod(seconds, HOUR)
    before = air_in_hour(place, hour)
    if not rest:
        return before
    after, share = air_in_hour(place, hour + 1), rest / HOUR

    def blend(a: float, b: float) -> float:
        return a + (b - a) * share

    temperature = round(blend(before.temperature, after.temperature), 1)
    humidity, cloud = blend(before.humidity, after.humidity), blend(before.cloud, after.cloud)
    wind = blend(before.wind, after.wind)
    rain = after.precipitation  # an hour's figure counts the sixty minutes before it
    cloud = max(cloud, 75.0) if rain else cloud
    return Air(
        temperature=temperature,
        humidity=humidity,
        cloud=cloud,
        precipitation=rain,
        chance=blend(before.chance, after.chance),
        pressure=blend(before.pressure, after.pressure),
        wind=wind,
        gusts=blend(before.gusts, after.gusts),
        code=weather_code(rain, temperature=temperature, cloud=cloud, humidity=humidity, wind=wind),
    )


@lru_cache(maxsize=8192)
def air_in_hour(place: Place, hour: int) -> Air:
    """Return the air at full hour `hour` (hours since 1970); precipitation is that of the hour before it."""
    front = _even(noise.field("front", place.latitude, place.longitude, hour, degrees=6, period=30))
    shower = noise.field("shower", place.latitude, place.longitude, hour, degrees=1, period=4)
    wet = min(1.0, max(0.0, front + 0.16 * (shower - 0.5)))
    share = rain_share(place.latitude)
    excess = max(0.0, (wet - (1 - share)) / share)
    cloud = 100 * min(1.0, max(0.0, (wet - 0.16) / (0.74 - share)))
    temperature = round(_temperature(place, hour, cloud=cloud), 1)
    rain = _rain(excess * share / 0.18, temperature)
    cloud = max(cloud, 75.0) if rain else cloud
    wind = _wind(place, hour, wet=wet)
    humidity = _humidity(place, hour, wet=wet, rain=rain)
    squall = noise.field("squall", place.latitude, place.longitude, hour, degrees=2, period=3)
    return Air(
        temperature=temperature,
        humidity=humidity,
        cloud=cloud,
        precipitation=rain,
        chance=min(100.0, 100 / (1 + math.exp(-14 * (wet - (1 - share))))),
        pressure=_pressure(place, hour, wet=wet),
        wind=wind,
        gusts=wind * (1.35 + 0.75 * squall) + 1,
        code=weather_code(rain, temperature=temperature, cloud=cloud, humidity=humidity, wind=wind),
    )


def wind_direction(place: Place, seconds: int) -> int:
    """Return where the wind comes from, 0 to 359 degrees: trade winds, westerlies or polar easterlies, wavering."""
    belt = abs(place.latitude)
    prevailing = 250 if 30 <= belt < 62 else 80
    swing = noise.field("swing", place.latitude, place.longitude, seconds / HOUR, degrees=6, period=18)
    return round(prevailing + 280 * (swing - 0.5)) % 360


def weather_code(rain: float, *, temperature: float, cloud: float, humidity: float, wind: float) -> int:
    """Return the WMO code (table 4677, as Open-Meteo uses it) for mm per hour, °C, %, % and km/h."""
    if rain > 0:
        return _snow_code(rain) if temperature <= SNOW_LIMIT else _rain_code(rain, temperature)
    if humidity >= 95 and wind < 7 and cloud < 90:
        return 45 if temperature > 0 else 48
    if cloud < 12:
        return 0
    if cloud < 38:
        return 1
    return 2 if cloud < 80 else 3


def rain_share(latitude: float) -> float:
    """Return the share of time with rain: wet tropics and westerlies, dry subtropics and poles."""
    belt = abs(latitude)

    def bump(height: float, centre: float, width: float) -> float:
        return height * math.exp(-(((belt - centre) / width) ** 2))

    return 0.09 + bump(0.11, 0, 9) + bump(0.07, 55, 14) - bump(0.06, 26, 8)


def _even(value: float) -> float:
    """Spread bell-shaped noise evenly over 0 to 1, so that a share of it is a share of the time."""
    return 1 / (1 + math.exp(-6.5 * (value - 0.5)))


def _snow_code(rain: float) -> int:
    if rain < 0.6:
        return 71
    return 73 if rain < 1.8 else 75


def _rain_code(rain: float, temperature: float) -> int:
    if temperature > 18 and rain >= 3.5:
        return 95
    if temperature > 15 and rain >= 0.6:
        return 80 if rain < 2 else 81
    steps = ((0.3, 51), (0.5, 53), (1.6, 61), (4.0, 63))
    return next((code for limit, code in steps if rain < limit), 65)


def _rain(excess: float, temperature: float) -> float:
    """Return mm per hour, to a tenth: warm air holds and drops more."""
    if excess <= 0:
        return 0.0
    warmth = min(1.8, max(0.35, 0.6 + temperature / 25))
    return max(0.1, round((0.1 + 4.0 * math.pow(min(1.2, excess), 2.2)) * warmth, 1))


def _temperature(place: Place, hour: int, *, cloud: float) -> float:
    """Return °C: the latitude's yearly mean, the season, the time of day, and the weather of the week."""
    lat, seconds = place.latitude, hour * HOUR
    belt = abs(lat)
    mean = -22 + 49.5 * math.cos(math.radians(lat)) - 0.9 * max(0.0, -lat - 60)
    warmest = math.radians(200 if lat >= 0 else 20)
    season = (0.22 if lat >= 0 else 0.16) * belt * math.cos(solar.year_angle(seconds) - warmest)
    daily = (1.5 + 5.0 * (1 - cloud / 100)) * _sunshine(lat, seconds)
    time_of_day = daily * math.cos(math.pi * (solar.solar_hour(place.longitude, seconds) - 15) / 12)
    mass = noise.field("airmass", lat, place.longitude, hour, degrees=8, period=60) - 0.5
    ripple = noise.field("ripple", lat, place.longitude, hour, degrees=1, period=5) - 0.5
    return mean + season + time_of_day + mass * (3 + belt / 5) + ripple * 1.6 - 0.0065 * place.elevation


def _sunshine(latitude: float, seconds: int) -> float:
    """Return how much the sun's height matters that day: near 1 in the tropics, 0 in the polar night."""
    lat, tilt = math.radians(latitude), solar.declination(seconds)
    noon, midnight = math.cos(lat - tilt), -math.cos(lat + tilt)
    return min(1.0, max(0.0, noon) - max(0.0, midnight) + 0.05)


def _humidity(place: Place, hour: int, *, wet: float, rain: float) -> float:
    """Return relative humidity, %: damp at night and near rain, dry in the subtropics."""
    desert = 18 * math.exp(-(((abs(place.latitude) - 25) / 9) ** 2))
    afternoon = math.cos(math.pi * (solar.solar_hour(place.longitude, hour * HOUR) - 15) / 12)
    own = noise.field("damp", place.latitude, place.longitude, hour, degrees=2, period=9)
    value = 58 + 30 * wet - desert - 13 * afternoon + 14 * (own - 0.5) + (10 if rain else 0)
    return min(100.0, max(12.0, value))


def _pressure(place: Place, hour: int, *, wet: float) -> float:
    """Return hPa at sea level: low where it is wet, more restless away from the equator."""
    swing = 3 + abs(place.latitude) / 5
    own = noise.field("pressure", place.latitude, place.longitude, hour, degrees=10, period=72)
    return 1014 + swing * (own - 0.5) * 2 - swing * (wet - 0.5)


def _wind(place: Place, hour: int, *, wet: float) -> float:
    """Return km/h: stronger in the westerlies, with fronts and in the afternoon."""
    own = noise.field("wind", place.latitude, place.longitude, hour, degrees=4, period=14)
    belt = 6 + 9 * math.exp(-(((abs(place.latitude) - 55) / 16) ** 2))
    afternoon = 2 + 2 * math.cos(math.pi * (solar.solar_hour(place.longitude, hour * HOUR) - 15) / 12)
    return 1 + belt * own * 2 + 6 * wet * own + afternoon
