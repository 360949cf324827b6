"""A coarse guard on what forms send: so many an address in a minute, by django-ratelimit.

Its windows are fixed, so twice as many may pass across the edge of one, and while Redis is away it lets everything
pass. What has to be exact, attempts at a password, has a limit of its own (accounts.attempts).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django_ratelimit.core import get_usage

from accounts.pages.wording import wait_words
from cache_platform.rest.callers import caller_of

RATE = (300, 60)
"""Requests and seconds, for an office behind one address. A tuple, because texts are misread: `5/h15` as 5 an hour."""

V = TypeVar("V", bound=Callable[..., HttpResponseBase])


def guarded(view: V) -> V:
    """`view`, but the POSTs of an address that sends too many are answered with a 429."""

    @wraps(view)
    def guard(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        usage = get_usage(request, group="forms", key=_address, rate=RATE, method="POST", increment=True)
        if usage is None or not usage["should_limit"]:
            return view(request, *args, **kwargs)
        # Its window still holds at the second at which nothing is left of it.
        return _too_many_requests(request, retry_after=usage["time_left"] + 1)

    return cast("V", guard)


def _address(_group: str, request: HttpRequest) -> str:
    """Whom it counts for, with its kind, which django-ratelimit's own keys leave out."""
    return caller_of(request)


def _too_many_requests(request: HttpRequest, *, retry_after: int) -> HttpResponse:
    response = render(request, "429.html", {"wait": wait_words(retry_after)}, status=429)
    response["Retry-After"] = str(retry_after)
    response["Cache-Control"] = "private, no-cache"  # it says who is signed in
    return response
