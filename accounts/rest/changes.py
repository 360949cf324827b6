"""What a PATCH may change: the fields that are named here, and no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ValidationError as ModelValidationError
from django.core.validators import URLValidator
from django.http import Http404, HttpResponse
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.models.profile import LONGEST_AVATAR, LONGEST_NAME
from accounts.models.subscription import Plan, Status
from accounts.rest.base import user_in
from accounts.rest.bodies import Body
from accounts.rest.schema import enveloped, problems
from accounts.validators import validate_plain_text
from cache_platform.rest.responses import answered
from cache_platform.rest.schema import inlined

T = TypeVar("T")

MOST_UNKNOWN = 10
LONGEST_SHOWN = 60
"""A body of a thousand unknown fields is not sent back."""


class ChangeSerializer(Body):
    """A body of which a field that it does not have is refused by name, not left out in silence."""

    shown_only: frozenset[str] = frozenset()
    """Fields that an answer has and this body may not have; their refusal says so."""
    also: Mapping[str, Any] = {}
    """What JSON Schema can say of the body beyond its fields."""

    def wrong_in(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        """Also the fields that there are not."""
        names = [name for name in data if name not in self.fields][:MOST_UNKNOWN]
        unknown = {
            name[:LONGEST_SHOWN]: ["is read-only" if name in self.shown_only else "is not a field here"]
            for name in names
        }
        return super().wrong_in(data) | unknown


class ProfileChange(ChangeSerializer):
    """The body of `PATCH /api/profile`. `settings` replaces all that there were."""

    shown_only = frozenset({"user_id"})

    display_name = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_NAME, validators=[validate_plain_text]
    )
    avatar = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST_AVATAR, validators=[URLValidator(schemes=["https"])]
    )
    settings = serializers.DictField(required=False)


class SubscriptionChange(ChangeSerializer):
    """The body of `PATCH /api/subscription`: choose a plan, cancel, or resume."""

    shown_only = frozenset({"period_end", "limits", "usage"})

    plan = serializers.ChoiceField(
        required=False,
        choices=Plan.values,
        error_messages={"invalid_choice": f"must be one of {', '.join(Plan.values)}"},
    )
    status = serializers.ChoiceField(
        required=False,
        choices=Status.values,
        error_messages={"invalid_choice": "can be set to cancelled, or back to active"},
    )


def changed(request: Request, body: type[ChangeSerializer], change: Callable[..., T | None]) -> HttpResponse:
    """Have `change` do what the body asks for the user who is signed in: `{"success": true, "data": …}`.

    Raises ValidationError by field, and Http404 when the user is gone.
    """
    given = body(data=request.data)
    given.is_valid(raise_exception=True)
    try:
        state = change(user_id=user_in(request).pk, **given.validated_data)
    except ModelValidationError as error:
        raise ValidationError(error.message_dict) from None
    if state is None:
        raise Http404
    return answered(state)


def given_in(request: Request, body: type[ChangeSerializer], *, partial: bool = False) -> dict[str, Any]:
    """What the body says. Raises ValidationError by field."""
    fields = body(data=request.data, partial=partial)
    fields.is_valid(raise_exception=True)
    return dict(fields.validated_data)


def changed_responses(data: type) -> dict[Any, Any]:
    """How the OpenAPI schema describes what `changed` answers with."""
    return enveloped(200, inlined(data)) | problems(400, 401, 403, 503)
