"""Auras over REST: all reads from the one entry of whoever asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from accounts.rest.base import user_in
from accounts.rest.changes import given_in
from accounts.rest.schema import EMPTY, enveloped, problems
from auras.changing import change_aura, delete_aura
from auras.creating import MOST_AURAS, create_aura
from auras.policies import LIST
from auras.reading import PAGE_SIZE, one_of, page_of, read_auras
from auras.rest.fields import AuraFields
from auras.rest.problems import DUPLICATE, exception_handler
from auras.schema import AuraPage, AuraState
from cache_platform import InvalidQuery
from cache_platform.rest.responses import answered
from cache_platform.rest.schema import HEADERS, cached_responses, inlined
from cache_platform.rest.throttles import RateLimitThrottle
from cache_platform.rest.views import ExceptionHandler, PrivateCachedView

MOST_PAGES = -(-MOST_AURAS // PAGE_SIZE)
PAGE = OpenApiParameter(
    "page",
    {"type": "integer", "minimum": 1, "maximum": MOST_PAGES, "default": 1},
    description=f"Of {PAGE_SIZE} items each",
)
LOCATION = OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201, 409])
TAKEN: dict[Any, Any] = {(409, "application/problem+json"): DUPLICATE}


class AurasThrottle(RateLimitThrottle):
    """Each attempt takes a lock."""

    preset = "auras"


class AuraRoute(PrivateCachedView):
    """For a user who is signed in."""

    reads = (LIST,)

    def get_exception_handler(self) -> ExceptionHandler:
        """Problem responses, for what is refused of auras too."""
        return exception_handler


class AurasView(AuraRoute):
    """One's own auras."""

    @extend_schema(
        operation_id="auras",
        parameters=[PAGE, *HEADERS],
        responses=cached_responses(AuraPage, statuses=(400, 401, 503)),
    )
    def get(self, request: Request) -> HttpResponse:
        """A page of your auras, the newest first, through the cache."""
        page = page_in(request)
        found = read_auras(user_in(request).pk, caller=self.caller(request))
        return self.respond(request, LIST, found, lambda auras: page_of(auras, page))


class CreateAuraView(AuraRoute):
    """One more."""

    throttle_classes = (AurasThrottle,)

    @extend_schema(
        operation_id="aura_create",
        parameters=[LOCATION],
        request=AuraFields,
        responses={**enveloped(201, inlined(AuraState)), **TAKEN, **problems(400, 401, 403, 429, 503)},
    )
    def post(self, request: Request) -> HttpResponse:
        """A new aura. When you have one of that name already, however it came about, a 409 with its number."""
        made = create_aura(user_in(request).pk, **given_in(request, AuraFields))
        return answered(made, status=201, location=reverse("aura", args=[made.id]))


class AuraView(AuraRoute):
    """One aura."""

    @extend_schema(
        operation_id="aura",
        parameters=HEADERS,
        responses=cached_responses(AuraState, statuses=(401, 404, 503)),
    )
    def get(self, request: Request, aura_id: int) -> HttpResponse:
        """An aura of your own, through the cache."""
        found = read_auras(user_in(request).pk, caller=self.caller(request))
        return self.respond(request, LIST, found, lambda auras: one_of(auras, aura_id))

    @extend_schema(
        operation_id="aura_change",
        parameters=[LOCATION],
        request=AuraFields(partial=True),
        responses={**enveloped(200, inlined(AuraState)), **TAKEN, **problems(400, 401, 403, 404, 503)},
    )
    def patch(self, request: Request, aura_id: int) -> HttpResponse:
        """Change fields of an aura of your own."""
        changes = given_in(request, AuraFields, partial=True)
        return answered(change_aura(user_in(request).pk, aura_id, changes))

    @extend_schema(operation_id="aura_delete", responses={**EMPTY, **problems(401, 403, 404, 503)})
    def delete(self, request: Request, aura_id: int) -> HttpResponse:
        """Delete an aura of your own."""
        delete_aura(user_in(request).pk, aura_id)
        return answered(None)


def page_in(request: Request) -> int:
    """Which page the address asks for. Raises InvalidQuery."""
    text = request.query_params.get("page") or "1"
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= MOST_PAGES):
        raise InvalidQuery("page", f"must be a number from 1 to {MOST_PAGES}")
    return int(text)
