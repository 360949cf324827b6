"""The limit on searching the headlines: that of the API, for the same addresses, so that both share it."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from cache_platform.presets import preset
from cache_platform.ratelimits import Decision
from cache_platform.rest.callers import caller_of
from cache_platform.rest.throttles import note, with_rate_limit
from dashboard.choices import Choice


def take_search(request: HttpRequest, choice: Choice) -> Decision | None:
    """Take a slot of the limit `search`, in one round trip; None where nothing is searched for."""
    if not choice.words:
        return None
    decision = preset("search").check(caller_of(request))
    note(request, decision)
    return decision


def told(request: HttpRequest, response: HttpResponseBase, decision: Decision | None) -> HttpResponseBase:
    """`response`, saying what is left of the limit; a 429 (RFC 6585, section 4) where nothing was."""
    with_rate_limit(request, response)
    if decision is not None and not decision.allowed:
        response.status_code = 429
        response["Retry-After"] = str(decision.retry_after_seconds)
    return response
