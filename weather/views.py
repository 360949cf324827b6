"""The weather over REST."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from cache_platform.rest.responses import public_response
from cache_platform.rest.schema import HEADERS, cached_responses, plain_responses
from cache_platform.rest.views import PublicCachedView
from weather.coordinates import parse_latitude, parse_longitude
from weather.places import Place, search_places
from weather.policies import CURRENT, FORECAST
from weather.queries import DEFAULT_DAYS, MAX_PLACE_QUERY, parse_days, parse_place_query, parse_units
from weather.reads import read_current, read_forecast
from weather.schema import FORECAST_DAYS, CurrentWeather, Forecast
from weather.units import first_days, in_units


def degrees(most: int) -> dict[str, Any]:
    """How the OpenAPI schema describes a coordinate."""
    return {"type": "number", "minimum": -most, "maximum": most}


COORDINATES = [
    OpenApiParameter("lat", degrees(90), required=True, description="Degrees north, rounded to 2 decimals"),
    OpenApiParameter("lon", degrees(180), required=True, description="Degrees east, rounded to 2 decimals"),
]
DAYS = OpenApiParameter("days", {"type": "integer", "minimum": 1, "maximum": FORECAST_DAYS, "default": DEFAULT_DAYS})
UNITS = OpenApiParameter("units", str, enum=["metric", "imperial"], default="metric")

NO_CONTROLS = r"[^\x00-\x1f\x7f-\x9f]"
PLACE_QUERY = {
    "type": "string",
    "maxLength": MAX_PLACE_QUERY,
    "pattern": rf"^{NO_CONTROLS}*[^\s\x00-\x1f\x7f-\x9f]{NO_CONTROLS}*$",
}
VALIDATORS = [each for each in HEADERS if each.name in {"ETag", "Cache-Control"}]


class CurrentWeatherView(PublicCachedView):
    """The weather now."""

    @extend_schema(
        operation_id="weather_current",
        parameters=[*COORDINATES, UNITS, *HEADERS],
        responses=cached_responses(CurrentWeather),
    )
    def get(self, request: Request) -> HttpResponse:
        """The weather now at a place; one entry serves both systems of units."""
        query = request.query_params
        lat, lon = parse_latitude(query.get("lat")), parse_longitude(query.get("lon"))
        units = parse_units(query.get("units"))
        found = read_current(lat, lon, caller=self.caller(request))
        return self.respond(request, CURRENT, found, lambda current: in_units(current, units))


class ForecastView(PublicCachedView):
    """The forecast."""

    @extend_schema(
        operation_id="weather_forecast",
        parameters=[*COORDINATES, DAYS, UNITS, *HEADERS],
        responses=cached_responses(Forecast),
    )
    def get(self, request: Request) -> HttpResponse:
        """The forecast for a place; one entry of 16 days serves every number of days."""
        query = request.query_params
        lat, lon = parse_latitude(query.get("lat")), parse_longitude(query.get("lon"))
        days, units = parse_days(query.get("days")), parse_units(query.get("units"))
        found = read_forecast(lat, lon, caller=self.caller(request))
        return self.respond(request, FORECAST, found, lambda forecast: first_days(forecast, days, units))


class PlacesView(PublicCachedView):
    """Places by name."""

    @extend_schema(
        operation_id="weather_places",
        parameters=[OpenApiParameter("q", PLACE_QUERY, required=True), *VALIDATORS],
        responses=plain_responses(list[Place]),
    )
    def get(self, request: Request) -> HttpResponse:
        """Places whose name is or begins with `q`, large ones first; they come from memory, not from a provider."""
        found = search_places(parse_place_query(request.query_params.get("q")))
        return public_response(request._request, {"items": found, "total": len(found), "page": 1}, max_age=86_400)
