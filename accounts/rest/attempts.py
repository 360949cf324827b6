"""The limit on attempts at a password, as the API tells of it."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.attempts import attempt_of
from accounts.passwords import TooManyAttempts
from accounts.rest.base import http_request
from cache_platform.rest.problems import problem
from cache_platform.rest.throttles import TellsLimits, note

ATTEMPTS = {"x-rate-limit": "auth"}
"""How the OpenAPI schema names the limit."""


class ChecksPasswords(TellsLimits):
    """A route on which a password is checked: its answers say how many attempts are left."""

    def handle_exception(self, exc: Exception) -> Response:
        """The problem response for too many attempts; the others as ever."""
        if not isinstance(exc, TooManyAttempts):
            return super().handle_exception(exc)
        return problem(  # type: ignore[return-value]  # what Django takes of a view, DRF does too
            429,
            f"Too many attempts. Try again in {exc.decision.retry_after_seconds} s.",
            kind="urn:problem:rate-limit",
            retry_after=exc.decision.retry_after,
        )

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """The response, with what it says of the attempt."""
        attempt = attempt_of(http_request(request)) if isinstance(request, Request) else None
        if attempt is not None:
            note(http_request(request), attempt)
        return super().finalize_response(request, response, *args, **kwargs)
