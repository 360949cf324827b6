"""What goes wrong with connections, as problem responses (RFC 9457). Nothing that came from outside is repeated."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse

from cache_platform.exceptions import SourceError, SourceMalformed
from cache_platform.rest import problems
from cache_platform.rest.problems import RETRY_AFTER, problem
from connectors.authorizations import CallbackRefused
from connectors.connections import NoConnection
from connectors.providers import UnknownProvider


class Declined(Exception):
    """A platform sent a person back without a code. `status` is that of the answer."""

    def __init__(self, detail: str, *, status: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER for the connectors' routes; what is not theirs is handled as everywhere."""
    if isinstance(error, SourceError):
        return _of_a_platform(error)
    if isinstance(error, CallbackRefused):
        return problem(400, error.detail, kind="urn:problem:callback-refused")
    if isinstance(error, Declined):
        wait = RETRY_AFTER if error.status == 503 else None
        return problem(error.status, error.detail, kind="urn:problem:authorization-declined", retry_after=wait)
    if isinstance(error, NoConnection | UnknownProvider):
        return problems.exception_handler(Http404(), context)
    return problems.exception_handler(error, context)


def _of_a_platform(error: SourceError) -> HttpResponse:
    if isinstance(error, SourceMalformed):
        detail = "The platform answered something else than it promises, so nothing was changed. Begin anew later."
        return problem(502, detail, kind="urn:problem:platform")
    detail = "The platform does not answer at the moment, so nothing was changed. Begin anew later."
    return problem(503, detail, kind="urn:problem:platform", retry_after=error.retry_after or RETRY_AFTER)
