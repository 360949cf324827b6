"""What is refused of auras, as problem responses (RFC 9457)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse

from auras.exceptions import Duplicate, NotThere, QuotaUsedUp
from cache_platform.rest import problems
from cache_platform.rest.problems import extended, problem
from cache_platform.rest.schema import PROBLEM

DUPLICATE: dict[str, Any] = {
    **PROBLEM,
    "properties": {**PROBLEM["properties"], "existing_id": {"type": "integer"}},
}
"""The JSON schema of what a 409 says; without `existing_id` when there are too many."""


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER for the auras' routes; what is not theirs is handled as everywhere."""
    if isinstance(error, NotThere):
        return problems.exception_handler(Http404(), context)
    if isinstance(error, Duplicate):
        return _duplicate(error.aura_id)
    if isinstance(error, QuotaUsedUp):
        return problem(409, error.detail, kind="urn:problem:quota")
    return problems.exception_handler(error, context)


def _duplicate(aura_id: int) -> HttpResponse:
    response = problem(409, "You have an aura of that name.", kind="urn:problem:duplicate")
    response["Location"] = reverse("aura", args=[aura_id])
    return extended(response, existing_id=aura_id)
