"""What the assistant refuses, as problem responses (RFC 9457)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse

from assistant.exceptions import NameTaken, NotAllowed, NotThere, QuotaUsedUp, TooLarge
from assistant.lists import BadQuery
from assistant.llm import NO_ANSWER, NoAnswer
from cache_platform.exceptions import LoadRefused, SourceError
from cache_platform.rest import problems
from cache_platform.rest.problems import extended, problem

NOT_VALID = "The request is not valid."


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's EXCEPTION_HANDLER for the assistant's routes; what is not theirs is handled as everywhere."""
    if isinstance(error, NotThere):
        return problems.exception_handler(Http404(), context)
    if isinstance(error, BadQuery):
        return problem(400, NOT_VALID, kind="urn:problem:invalid-query", errors=error.errors)
    if isinstance(error, NameTaken):
        return problem(400, NOT_VALID, errors={"name": ["There is a persona of that name."]})
    if isinstance(error, NotAllowed):
        return problem(403, "You may look at this, and not change it.")
    if isinstance(error, TooLarge):
        return problem(413, f"A document may have {error.most} bytes at most.")
    if isinstance(error, QuotaUsedUp):
        return problem(409, error.detail, kind="urn:problem:quota")
    if isinstance(error, NoAnswer):
        return problem(422, NO_ANSWER, kind="urn:problem:no-answer")
    return problems.exception_handler(error, context)


def unanswered(error: SourceError | LoadRefused, conversation_id: int) -> HttpResponse:
    """Why there is no answer to a question, and the conversation that keeps it, in which it can be sent again."""
    response = exception_handler(error, {})
    assert response is not None, "these errors have a meaning"
    return extended(response, conversation_id=conversation_id)
