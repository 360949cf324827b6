"""The API's documentation as a page."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from config.reference import Section, sections
from config.schema import document


@require_safe
def docs_view(request: HttpRequest) -> HttpResponse:
    """The reference, which needs no script."""
    return _own(render(request, "api_docs.html", {"sections": _sections(), "info": document()["info"]}))


@require_safe
@ensure_csrf_cookie  # so that who is signed in can try what changes something
def explorer_view(request: HttpRequest) -> HttpResponse:
    """Swagger UI, to try the routes with."""
    return _own(render(request, "api_explorer.html"))


def _own(response: HttpResponse) -> HttpResponse:
    """The page says who is signed in, so it is theirs alone."""
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie"])
    return response


@cache
def _sections() -> list[Section]:
    return sections(document())
