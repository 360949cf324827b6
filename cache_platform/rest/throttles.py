"""Rate limits of REST routes, as DRF throttles, and what responses say of them.

The header fields are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "search";q=30;w=60` is the
limit, `RateLimit: "search";r=29;t=60` what is left of it, and for how many seconds at the most.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from cache_platform.presets import preset
from cache_platform.ratelimits import Decision, Wish, take_slots
from cache_platform.rest.callers import By, Caller, caller_in


class RateLimitThrottle(BaseThrottle):
    """A preset of CACHE_PLATFORM["RATE_LIMITS"], for each of those that `by` names: with several, a slot is taken in
    the log of each, or in none."""

    preset: ClassVar[str]
    by: ClassVar[tuple[By, ...]] = ("user",)

    def wishes(self, caller: Caller) -> list[Wish]:
        """The slots that a request of `caller` needs."""
        named = preset(self.preset)
        identities = dict.fromkeys(caller.identity(each) for each in self.by)
        return [named.wish(identity) for identity in identities]

    def allow_request(self, request: Request, view: APIView) -> bool:  # noqa: ARG002  # DRF's signature
        """Take a slot, if there is one."""
        self._decision = take_slots(self.wishes(caller_in(request)))
        note(request._request, self._decision)
        return self._decision.allowed

    def wait(self) -> float:
        """Seconds until there is one."""
        return self._decision.retry_after


def note(request: HttpRequest, decision: Decision) -> None:
    """Have the response to `request` say what `decision` was; of several, what refuses for longest, else what leaves
    least."""
    before: Decision | None = request.META.get("cache_platform.rate_limit")
    if before is None or before.shadow or _tightness(decision) > _tightness(before):
        request.META["cache_platform.rate_limit"] = decision


def _tightness(decision: Decision) -> tuple[bool, float, int]:
    return not decision.shadow, decision.retry_after, -decision.remaining


def with_rate_limit(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the header fields of the limit that was noted, if one was; a limit in shadow is not told of."""
    decision: Decision | None = request.META.get("cache_platform.rate_limit")
    if decision is None or decision.shadow:
        return
    left = decision.retry_after if not decision.allowed else decision.window
    response["RateLimit-Policy"] = f'"{decision.kind}";q={decision.limit};w={math.ceil(decision.window)}'
    response["RateLimit"] = f'"{decision.kind}";r={decision.remaining};t={math.ceil(left)}'


class TellsLimits(APIView):
    """A view whose limits are one: a slot is taken in the logs of all its throttles, or in none. Its responses say what
    they left."""

    def limits_of(self, caller: Caller) -> list[Wish]:
        """The slots that a request of `caller` needs."""
        throttles = [each for each in self.get_throttles() if isinstance(each, RateLimitThrottle)]
        return list(dict.fromkeys(wish for throttle in throttles for wish in throttle.wishes(caller)))

    def check_throttles(self, request: Request) -> None:
        """See APIView. Throttles of other kinds are asked first, since their slots cannot be given back."""
        others = [each for each in self.get_throttles() if not isinstance(each, RateLimitThrottle)]
        waits = [each.wait() for each in others if not each.allow_request(request, self)]
        if waits:
            self.throttled(request, max(wait or 0.0 for wait in waits))
        wishes = self.limits_of(caller_in(request))
        if wishes:
            decision = take_slots(wishes)
            note(request._request, decision)
            if not decision.allowed:
                self.throttled(request, decision.retry_after)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """The response, with what it says of a rate limit."""
        final = super().finalize_response(request, response, *args, **kwargs)
        with_rate_limit(request._request if isinstance(request, Request) else request, final)
        return final
