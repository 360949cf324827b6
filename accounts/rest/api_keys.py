"""API keys over REST."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.api_keys import MOST_KEYS, SignedOut, TooManyKeys, good_keys, make_key, revoke_key
from accounts.authentication import CredentialsRefused
from accounts.models import ApiKey
from accounts.models.api_key import LONGEST_KEY_NAME
from accounts.rest.base import OwnView, succeeded, user_in
from accounts.rest.changes import ChangeSerializer
from accounts.rest.schema import EMPTY, listed, problems, single
from accounts.validators import validate_plain_text

SCOPES = ("read", "write")
TIME: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
SHOWN: dict[str, Any] = {
    "id": {"type": "integer"},
    "prefix": {"type": "string"},
    "name": {"type": "string"},
    "scopes": {"type": "array", "items": {"type": "string", "enum": list(SCOPES)}},
    "created_at": {"type": "string", "format": "date-time"},
    "expires_at": TIME,
    "last_used_at": TIME,
}


class KeyFields(ChangeSerializer):
    """What a new key shall be."""

    name = serializers.CharField(max_length=LONGEST_KEY_NAME, validators=[validate_plain_text])
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES, error_messages={"invalid_choice": "must be read or write"}),
        min_length=1,
        max_length=len(SCOPES),
        default=["read"],
    )
    expires_at = serializers.DateTimeField(allow_null=True, default=None)

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        """Raises ValidationError for a time that is past."""
        if value is not None and value <= timezone.now():
            raise ValidationError("must be in the future")
        return value


class KeysView(OwnView):
    """The own keys."""

    @extend_schema(operation_id="api_keys", responses={**listed(SHOWN), **problems(401, 403)})
    def get(self, request: Request) -> HttpResponse:
        """The user's keys that were not revoked, newest first, without what opens anything."""
        items = [_shown(row) for row in good_keys(user_in(request))[:MOST_KEYS]]
        return succeeded({"items": items, "total": len(items), "page": 1})

    @extend_schema(
        operation_id="api_key_create",
        request=KeyFields,
        responses={**single(201, {**SHOWN, "key": {"type": "string"}}), **problems(400, 401, 403)},
    )
    def post(self, request: Request) -> HttpResponse:
        """A new key. `key` is shown this once."""
        given = KeyFields(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            row, made = make_key(user_in(request), **given.validated_data)
        except SignedOut:
            raise CredentialsRefused from None
        except TooManyKeys:
            raise ValidationError({"name": [f"You have {MOST_KEYS} keys; revoke one first."]}) from None
        return succeeded({**_shown(row), "key": made.text}, status=201)


class KeyView(OwnView):
    """One of the own keys."""

    @extend_schema(operation_id="api_key_revoke", responses={**EMPTY, **problems(401, 403, 404)})
    def delete(self, request: Request, key_id: int) -> HttpResponse:
        """Revoke a key, at once."""
        if not revoke_key(user_in(request), key_id):
            raise Http404
        return succeeded(None)


def _shown(row: ApiKey) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SHOWN}
