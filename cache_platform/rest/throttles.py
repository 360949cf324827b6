"""Rate limits of REST routes, as DRF throttles, and what responses say of them.

The header fields are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "search";q=30;w=60` is the
limit, `RateLimit: "search";r=29;t=60` what is left of it, and for how many seconds at the most.
"""

from __future__ import annotations

import math
from typing import ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from cache_platform.ratelimits import Decision, RateLimiter, preset
from cache_platform.rest.callers import caller_of


class RateLimitThrottle(BaseThrottle):
    """A preset of CACHE_PLATFORM["RATE_LIMITS"], for each user who is signed in, and for each address of others."""

    preset: ClassVar[str]

    def allow_request(self, request: Request, view: APIView) -> bool:  # noqa: ARG002  # DRF's signature
        """Take a slot, if there is one."""
        limit = preset(self.preset)
        self._decision = RateLimiter(self.preset).check(self.identity(request), limit.limit, limit.window)
        note(request._request, self.preset, self._decision)
        return self._decision.allowed

    def wait(self) -> float:
        """Seconds until there is one."""
        return self._decision.retry_after

    def identity(self, request: Request) -> str:
        """Who is limited."""
        user = request.user
        return f"user:{user.pk}" if user is not None and user.is_authenticated else caller_of(request._request)


def note(request: HttpRequest, name: str, decision: Decision) -> None:
    """Have the response to `request` say what `decision` was."""
    request.META["cache_platform.rate_limit"] = (name, decision)


def with_rate_limit(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the header fields of the limit that was noted, if one was."""
    noted = request.META.get("cache_platform.rate_limit")
    if noted is None:
        return
    name, decision = noted
    left = decision.retry_after if not decision.allowed else decision.window
    response["RateLimit-Policy"] = f'"{name}";q={decision.limit};w={math.ceil(decision.window)}'
    response["RateLimit"] = f'"{name}";r={decision.remaining};t={math.ceil(left)}'
