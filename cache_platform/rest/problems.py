"""Errors as problem responses (RFC 9457)."""

from __future__ import annotations

import json
import logging
import math
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from rest_framework import exceptions as drf

from cache_platform.exceptions import (
    BudgetExceeded,
    CachePlatformError,
    InvalidQuery,
    LoadRefused,
    LockLost,
    LockNotAcquired,
    ParameterError,
    SourceError,
    StoreUnavailable,
)

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = 5
"""Seconds to wait where the cause names none."""


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "about:blank",
    errors: dict[str, list[str]] | None = None,
    retry_after: float | None = None,
) -> HttpResponse:
    """A problem response. `retry_after` in seconds is rounded up, so that a retry then is not too early."""
    body: dict[str, Any] = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    response = HttpResponse(json.dumps(body), content_type=CONTENT_TYPE, status=status)
    response["Cache-Control"] = "no-store"
    if retry_after is not None:
        response["Retry-After"] = str(max(1, math.ceil(retry_after)))
    return response


def extended(response: HttpResponse, **members: Any) -> HttpResponse:  # JSON
    """A problem with members of its own (RFC 9457, section 3.2)."""
    response.content = json.dumps({**json.loads(response.content), **members})
    return response


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:  # noqa: ARG001  # DRF's signature
    """DRF's EXCEPTION_HANDLER: a problem response for every error with a meaning; None (a 500) for the rest."""
    if isinstance(error, CachePlatformError):
        return _of_the_cache(error)
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("the database is away: %s", error)
        return problem(503, "The database does not answer at the moment.", retry_after=RETRY_AFTER)
    if isinstance(error, Http404):
        return problem(404, "There is nothing here.")
    if isinstance(error, PermissionDenied):
        return problem(403, "You may not do this.")
    return _of_drf(error) if isinstance(error, drf.APIException) else None


def _of_the_cache(error: CachePlatformError) -> HttpResponse | None:
    if isinstance(error, InvalidQuery):
        detail = f"{error.field}: {error.message}"
        return problem(400, detail, kind="urn:problem:invalid-query", errors={error.field: [error.message]})
    if isinstance(error, ParameterError):
        return problem(400, str(error), kind="urn:problem:invalid-query")
    if isinstance(error, BudgetExceeded):
        return problem(429, error.detail, kind="urn:problem:load-budget", retry_after=error.retry_after)
    if isinstance(error, LoadRefused):
        return problem(503, error.detail, kind="urn:problem:overload", retry_after=error.retry_after)
    if isinstance(error, SourceError):
        detail = "The source of this data does not answer at the moment, and there is no earlier answer to give."
        return problem(503, detail, kind="urn:problem:source", retry_after=error.retry_after or RETRY_AFTER)
    if isinstance(error, LockNotAcquired | LockLost):
        wait = getattr(error, "retry_after", None) or RETRY_AFTER
        return problem(503, "Somebody else is doing this at the moment.", kind="urn:problem:lock", retry_after=wait)
    if isinstance(error, StoreUnavailable):
        detail = "The cache does not answer at the moment."
        return problem(503, detail, kind="urn:problem:store", retry_after=RETRY_AFTER)
    return None


def _of_drf(error: drf.APIException) -> HttpResponse:
    wait: float | None = getattr(error, "wait", None)
    if isinstance(error, drf.Throttled):
        detail = "Too many requests." + ("" if wait is None else f" Try again in {max(1, math.ceil(wait))} s.")
        return problem(429, detail, kind="urn:problem:rate-limit", retry_after=wait)
    errors = None
    detail = str(error.detail) if not isinstance(error.detail, dict | list) else "The request is not valid."
    if isinstance(error, drf.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"request": error.detail}
        errors = {str(name): [str(text) for text in _flat(texts)] for name, texts in fields.items()}
    response = problem(error.status_code, detail, errors=errors, retry_after=wait)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response


def _flat(texts: Any) -> list[Any]:  # noqa: ANN401  # DRF nests lists and dictionaries
    if isinstance(texts, dict):
        return [text for inner in texts.values() for text in _flat(inner)]
    if isinstance(texts, list):
        return [text for inner in texts for text in _flat(inner)]
    return [texts]
