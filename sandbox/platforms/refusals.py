"""Errors of the data APIs, in each platform's own form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpResponse

from sandbox.replies import json_reply

GOOGLE_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}
OAUTH_ERROR = {
    400: "invalid_request",
    401: "invalid_token",
    403: "insufficient_scope",
    429: "rate_limited",
    500: "server_error",
}
BODIES: Mapping[str, Callable[[int, str], object]] = {
    "tunebox": lambda status, why: {"error": {"status": status, "message": why}},
    "daybook": lambda status, why: {"error": {"code": status, "message": why, "status": GOOGLE_STATUS[status]}},
    "codeyard": lambda status, why: {"message": why, "status": str(status)},
    "chirper": lambda status, why: {"error": OAUTH_ERROR[status], "error_description": why},
}


class Refused(Exception):
    """A request of a data API that gets no data: status, text, headers."""

    def __init__(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.headers = headers or {}


def refusal(platform: str, refused: Refused) -> HttpResponse:
    """Return the error as `platform` tells it."""
    body = BODIES[platform](refused.status, str(refused))
    return json_reply(body, status=refused.status, headers=refused.headers)
