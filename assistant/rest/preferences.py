"""What one wants of the assistant, over REST."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts.rest.base import user_in
from accounts.rest.changes import ChangeSerializer, given_in
from accounts.rest.schema import enveloped, problems
from assistant.exceptions import NotThere
from assistant.models.preference import DEFAULT_TEMPERATURE, HIGHEST_TEMPERATURE
from assistant.policies import PREFERENCE
from assistant.preferences import choose, read_preference
from assistant.rest.base import AssistantView, PersonaIdField, check_persona, persona_gone
from assistant.schema import PreferenceState
from cache_platform.rest.responses import answered
from cache_platform.rest.schema import HEADERS, cached_responses, inlined


class PreferenceFields(ChangeSerializer):
    """What one wants; a field that is left out gets its default."""

    shown_only = frozenset({"user_id"})

    persona_id = PersonaIdField()
    temperature = serializers.FloatField(min_value=0, max_value=HIGHEST_TEMPERATURE, default=DEFAULT_TEMPERATURE)
    use_documents = serializers.BooleanField(default=False)


class PreferenceView(AssistantView):
    """One's own preference."""

    reads = (PREFERENCE,)

    @extend_schema(
        operation_id="persona_preference",
        parameters=HEADERS,
        responses=cached_responses(PreferenceState, statuses=(401, 503)),
    )
    def get(self, request: Request) -> HttpResponse:
        """What you want of the assistant, through the cache."""
        found = read_preference(user_in(request).pk, caller=self.caller(request))
        return self.respond(request, PREFERENCE, found)

    @extend_schema(
        operation_id="persona_preference_choose",
        request=PreferenceFields,
        responses={**enveloped(200, inlined(PreferenceState)), **problems(400, 401, 403, 503)},
    )
    def put(self, request: Request) -> HttpResponse:
        """Put this in the place of what you wanted; what you leave out gets its default."""
        user, given = user_in(request), given_in(request, PreferenceFields)
        check_persona(user, given["persona_id"])
        try:
            return answered(choose(user.pk, **given))
        except NotThere:
            raise persona_gone(given["persona_id"]) from None
