"""Personas over REST."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.rest.base import user_in
from accounts.rest.changes import ChangeSerializer, given_in
from accounts.rest.schema import EMPTY, enveloped, problems
from accounts.validators import normal_name, validate_plain_text
from assistant.filters import LARGEST_ID, PersonaFilter
from assistant.lists import ListQuery
from assistant.models.persona import LONGEST_DESCRIPTION, LONGEST_NAME, LONGEST_PROMPT
from assistant.personas import (
    change_persona,
    create_persona,
    delete_persona,
    read_persona,
    read_personas,
    visible_to,
)
from assistant.policies import PERSONA, PERSONA_LIST
from assistant.rest.base import CREATED_AT, PAGE, WORDS, AssistantView, ListView, ordering
from assistant.schema import PersonaPage, PersonaState
from assistant.validators import validate_text
from cache_platform.rest.foresight import Wanted
from cache_platform.rest.responses import answered
from cache_platform.rest.schema import HEADERS, cached_responses, inlined
from cache_platform.rest.throttles import RateLimitThrottle

CREATOR = {"anyOf": [{"const": "system"}, {"type": "integer", "minimum": 0, "maximum": LARGEST_ID}]}


class PersonaFields(ChangeSerializer):
    """What a persona is to be."""

    shown_only = frozenset({"id", "version", "created_by", "created_at", "updated_at"})

    name = serializers.CharField(max_length=LONGEST_NAME, validators=[validate_plain_text])
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_DESCRIPTION, validators=[validate_plain_text]
    )
    system_prompt = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=LONGEST_PROMPT,
        validators=[validate_text],
        style={"base_template": "textarea.html"},
    )
    is_active = serializers.BooleanField(required=False)

    def validate_name(self, value: str) -> str:
        """In its one spelling, which may be longer or shorter."""
        name = normal_name(value)
        if not 0 < len(name) <= LONGEST_NAME:
            raise ValidationError(f"must have 1 to {LONGEST_NAME} characters")
        return name


class SearchThrottle(RateLimitThrottle):
    """Searches cost the database more than lists that everybody reads."""

    preset = "search"


class PersonasView(ListView):
    """The personas that one sees: system-wide ones and one's own; staff see all."""

    filters = PersonaFilter

    def get_throttles(self) -> list[BaseThrottle]:
        """Searches are limited, cached or not; lists without `q` are not."""
        searching = self.request.method in {"GET", "HEAD"} and self.request.query_params.get("q")
        return [SearchThrottle()] if searching else []

    def wanted(self, user_id: int, query: ListQuery) -> Wanted:
        """The page in one's own name; staff read another one."""
        return PERSONA_LIST, {"user_id": user_id, "query": query.text}

    @extend_schema(
        operation_id="personas",
        parameters=[
            OpenApiParameter("active", str, enum=["true", "false"]),
            OpenApiParameter("created_by", CREATOR, description="A user's number, or `system`"),
            WORDS,
            ordering(PersonaFilter),
            PAGE,
            *HEADERS,
        ],
        responses=cached_responses(PersonaPage, statuses=(400, 401, 429, 503)),
        extensions={"x-rate-limit": SearchThrottle.preset},
    )
    def get(self, request: Request) -> HttpResponse:
        """A page of personas, through the cache."""
        found = read_personas(user_in(request), self.wish, caller=self.caller(request))
        return self.respond(request, PERSONA_LIST, found)

    @extend_schema(
        operation_id="persona_create",
        parameters=[CREATED_AT],
        request=PersonaFields,
        responses={**enveloped(201, inlined(PersonaState)), **problems(400, 401, 403, 409, 503)},
    )
    def post(self, request: Request) -> HttpResponse:
        """A persona of your own."""
        made = create_persona(user_in(request), **given_in(request, PersonaFields))
        return answered(made, status=201, location=reverse("persona", args=[made.id]))


class PersonaView(AssistantView):
    """One persona."""

    def reads_ahead(self, user_id: int) -> list[Wanted]:  # noqa: ARG002  # whose it is, its entry says
        """The persona that the address names."""
        return [(PERSONA, {"persona_id": self.kwargs["persona_id"]})]

    @extend_schema(
        operation_id="persona",
        parameters=HEADERS,
        responses=cached_responses(PersonaState, statuses=(401, 404, 503)),
    )
    def get(self, request: Request, persona_id: int) -> HttpResponse:
        """A persona, through the cache."""
        found = read_persona(persona_id, caller=self.caller(request))
        if found.value is None or not visible_to(found.value, user_in(request)):
            raise Http404
        return self.respond(request, PERSONA, found)

    @extend_schema(
        operation_id="persona_change",
        request=PersonaFields(partial=True),
        responses={**enveloped(200, inlined(PersonaState)), **problems(400, 401, 403, 404, 503)},
    )
    def patch(self, request: Request, persona_id: int) -> HttpResponse:
        """Change fields of a persona of your own; of a system-wide one, if you are staff and may change personas. Each
        change raises its version."""
        changes = given_in(request, PersonaFields, partial=True)
        return answered(change_persona(persona_id, by=user_in(request), changes=changes))

    @extend_schema(operation_id="persona_delete", responses={**EMPTY, **problems(401, 403, 404, 503)})
    def delete(self, request: Request, persona_id: int) -> HttpResponse:
        """Delete a persona of your own; a system-wide one, if you are staff and may delete personas."""
        delete_persona(persona_id, by=user_in(request))
        return answered(None)
