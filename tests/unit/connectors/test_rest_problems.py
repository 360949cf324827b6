"""What goes wrong with connections, as problems."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import Http404, HttpResponse
from django.test import RequestFactory

from cache_platform.exceptions import SourceError, SourceMalformed, SourceRateLimited, SourceRefused, SourceTimeout
from connectors.authorizations import CallbackRefused
from connectors.connections import NoConnection
from connectors.providers import UnknownProvider
from connectors.rest.callback import is_browser
from connectors.rest.problems import Declined, exception_handler
from tests.integration.connectors.people import HTML


def handled(error: Exception) -> tuple[HttpResponse, dict[str, Any]]:
    """The response and its body."""
    response = exception_handler(error, {})
    assert response is not None
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    return response, json.loads(response.content)


@pytest.mark.parametrize(
    ("error", "status", "wait"),
    [
        (SourceMalformed("X", "secret"), 502, None),
        (SourceTimeout("X", "secret"), 503, "5"),
        (SourceRefused("X", "secret"), 503, "5"),
        (SourceRateLimited("X", "secret", retry_after=61.2), 503, "62"),
        (SourceError("X", "secret"), 503, "5"),
        (Declined("No.", status=400), 400, None),
        (Declined("No.", status=502), 502, None),
        (Declined("No.", status=503), 503, "5"),
        (CallbackRefused("used", "It was used."), 400, None),
        (NoConnection("secret"), 404, None),
        (UnknownProvider("secret"), 404, None),
        (Http404("secret"), 404, None),
    ],
)
def test_each_has_its_status(error: Exception, status: int, wait: str | None) -> None:
    """And says when to come again where that helps; what the error knows beside that stays here."""
    response, body = handled(error)
    assert (response.status_code, body["status"]) == (status, status)
    assert response.headers.get("Retry-After") == wait
    assert "secret" not in response.content.decode()


def test_a_mistake_of_ours_is_not_handled() -> None:
    """It is a 500, and logged."""
    assert exception_handler(KeyError("x"), {}) is None


def test_nothing_there_is_one_answer() -> None:
    """Whether a platform is not known, not connected, or the user is not there."""
    bodies = {handled(error)[0].content for error in (NoConnection("a"), UnknownProvider("b"), Http404("c"))}
    assert len(bodies) == 1


@pytest.mark.parametrize(
    ("headers", "browser"),
    [
        ({"accept": HTML}, True),
        ({"accept": "TEXT/HTML"}, True),
        ({"accept": "*/*"}, False),
        ({"accept": "application/json"}, False),
        ({}, False),
        ({"accept": HTML, "authorization": "Bearer x"}, False),
        ({"accept": HTML, "authorization": ""}, False),
        ({"accept": HTML, "x-api-key": "x"}, False),
    ],
)
def test_who_looks_at_the_answer(headers: dict[str, str], browser: bool) -> None:
    """A person, where HTML is asked for by name and nothing of a program's is there."""
    assert is_browser(RequestFactory().get("/", headers=headers)) is browser
