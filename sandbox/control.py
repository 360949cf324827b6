"""The control panel: how often services were asked, and what should go wrong.

`news` counts NewsAPI, GNews and Hacker News alike. Reading Hacker News takes one request for the list and one
for each item: only the list counts, so that one refresh is one call whichever provider answers it.
"""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from sandbox.faults import FaultFieldError, parse_fault
from sandbox.oauth import control as oauth_control
from sandbox.providers import calls, faults
from sandbox.replies import json_reply


async def show_calls(request: HttpRequest) -> HttpResponse:
    """Return the calls of each service since the last reset."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    return json_reply(calls.as_dict())


async def reset(request: HttpRequest) -> HttpResponse:
    """Set all counts to zero and take all faults away; returns both. Settings of the authorization servers go as well,
    what they issued stays."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    calls.clear()
    faults.clear()
    oauth_control.clear()
    return json_reply({"calls": calls.as_dict(), "faults": faults.as_dict()})


async def show_or_set_faults(request: HttpRequest) -> HttpResponse:
    """Return the faults set; a POST sets one first. 400 names the wrong field."""
    if request.method == "POST":
        return _set_fault(request.body)
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET", "POST"])
    return json_reply(faults.as_dict())


def _set_fault(body: bytes) -> HttpResponse:
    try:
        service, fault = parse_fault(json.loads(body))
    except FaultFieldError as error:
        return json_reply({"error": str(error), "field": error.field}, status=400)
    except ValueError as error:
        return json_reply({"error": f"body: must be JSON: {error}", "field": "body"}, status=400)
    faults.put(service, fault)
    return json_reply(faults.as_dict())
