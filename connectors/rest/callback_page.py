"""What a person reads in the browser when a connection came to nothing."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode

KEPT = ("Retry-After", "WWW-Authenticate")
STRANGER = (
    "Nobody is signed in in this browser, so nothing was connected. Sign in and begin the connection anew. "
    "If a program of yours began it, give it the address of this page."
)
INCOMPLETE = "The address that you were sent to is not a platform's whole answer, so nothing was connected. Begin anew."


def callback_page(request: HttpRequest, problem: HttpResponseBase) -> HttpResponse:
    """`problem`, a problem response, as a page with the same status. Its links lead to fixed places."""
    assert isinstance(problem, HttpResponse)
    said = json.loads(problem.content)
    page = reverse("connectors:page")
    context = {
        "title": "Not connected",
        "detail": INCOMPLETE if "errors" in said else said["detail"],
        "retry_url": page,
    }
    if problem.status_code == 401:
        sign_in = f"{reverse('accounts:login')}?{urlencode({'next': page})}"
        context = {"title": "Sign in first", "detail": STRANGER, "retry_url": sign_in}
    response = render(request, "connectors/callback.html", context, status=problem.status_code)
    for name in KEPT:
        if name in problem:
            response[name] = problem[name]
    response["Referrer-Policy"] = "no-referrer"  # the address holds the code and the state
    return response
