"""Errors outside views: a problem response under /api/, a page elsewhere."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.debug import SafeExceptionReporterFilter

from cache_platform.rest.problems import problem


class AddressHidingFilter(SafeExceptionReporterFilter):
    """Hides addresses on error pages as well: they may carry a password."""

    hidden_settings = re.compile(SafeExceptionReporterFilter.hidden_settings.pattern + "|LOCATION|URL|BROKER", re.I)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """400. Without a look at the body, as Django's own page takes: that may be what is wrong."""
    if request.path.startswith("/api/"):
        return problem(400, "The request is not valid.")
    return HttpResponse("Bad request", status=400, content_type="text/plain")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """404."""
    if request.path.startswith("/api/"):
        return problem(404, "There is nothing at this address.")
    response = render(request, "404.html", status=404)
    response["Cache-Control"] = "private, no-cache"  # it says who is signed in
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500."""
    if request.path.startswith("/api/"):
        return problem(500, "Something went wrong on our side; it has been logged.")
    return render(request, "500.html", status=500)
