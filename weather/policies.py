"""What is cached of the weather."""

from cache_platform import Budget, CachePolicy, register
from weather.schema import CurrentWeather, Forecast

# Open-Meteo allows 10,000 calls a day; two policies share them. One caller's random places must not use them up, and
# what many callers together use up must be back within the hour.
BUDGETS = (
    Budget(limit=120, window=60),
    Budget(limit=1000, window=86_400),
    Budget(limit=200, window=3600, per="policy"),
)

CURRENT = register(
    CachePolicy(
        name="weather.current",
        description="The weather now at a place, in metric units.",
        schema=CurrentWeather,
        params={"lat": float, "lon": float},
        ttl=600,
        consistency="relaxed",
        audience="public",
        stale_for=6 * 3600,
        soft_timeout=1.0,
        refresh_ahead=0.1,
        local_ttl=1,
        budgets=BUDGETS,
    )
)

FORECAST = register(
    CachePolicy(
        name="weather.forecast",
        description="Sixteen days of forecast for a place, in metric units.",
        schema=Forecast,
        params={"lat": float, "lon": float},
        ttl=600,
        consistency="relaxed",
        audience="public",
        stale_for=24 * 3600,
        soft_timeout=1.0,
        refresh_ahead=0.1,
        local_ttl=1,
        budgets=BUDGETS,
    )
)
