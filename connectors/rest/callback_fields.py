"""What a platform sends people back with (RFC 6749, 4.1.2; RFC 9207)."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.rest.changes import ChangeSerializer

LONGEST_CODE = 2000
LONGEST_STATE = 200
LONGEST_ISS = 500
LONGEST_ERROR = 100

ERRORS = frozenset(
    {
        "invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope",
        "server_error", "temporarily_unavailable",
    }
)  # fmt: skip
"""RFC 6749, 4.1.2.1. Others are somebody's text, and are not shown."""
UNKNOWN = "unknown_error"


def _text(longest: int, **options: Any) -> serializers.CharField:
    printable = RegexValidator(r"\A[\x20-\x7e]+\Z", "must be printable ASCII (RFC 6749, appendix A)")
    return serializers.CharField(max_length=longest, trim_whitespace=False, validators=[printable], **options)


class CallbackFields(ChangeSerializer):
    """The state, and either a code or an error. `error` comes out as one of ERRORS or UNKNOWN."""

    also = {"oneOf": [{"required": ["code"]}, {"required": ["error"]}]}

    state = _text(LONGEST_STATE)
    code = _text(LONGEST_CODE, required=False)
    iss = _text(LONGEST_ISS, required=False)
    error = _text(LONGEST_ERROR, required=False)

    def validate_error(self, value: str) -> str:
        """An error that may be shown."""
        return value if value in ERRORS else UNKNOWN

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError for neither a code nor an error, and for both."""
        if ("code" in attrs) is ("error" in attrs):
            raise ValidationError({"code": ["there must be either a code or an error"]})
        return attrs


def in_query(query: QueryDict) -> dict[str, str]:
    """The known parameters of a query: others are ignored, empty ones count as left out (RFC 6749, 3.1 and 4.1.2).
    Raises ValidationError for one that is there more than once (3.1)."""
    given = {str(name): query.getlist(str(name)) for name in CallbackFields().fields}
    twice: dict[str, Any] = {name: ["was sent more than once"] for name, values in given.items() if len(values) > 1}
    if twice:
        raise ValidationError(twice)
    return {name: values[0] for name, values in given.items() if values and values[0]}
