"""One round trip for a whole request: its credential, its limits and what it reads.

A view whose authentication classes foresee (see foresight.py) reads the entry that says whether the credential is good
ahead, together with the limits of its throttles and the entries of its `reads`. Nothing is decided by that:
authentication, permissions and throttles go their ordinary way and find what was read ahead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponseBase
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from cache_platform import ahead
from cache_platform.conf import conf
from cache_platform.policies import CachePolicy
from cache_platform.ratelimits import logs_of
from cache_platform.reading import lookup_of
from cache_platform.rest.foresight import Foresees, Foresight, Wanted
from cache_platform.rest.throttles import RateLimitThrottle


class LooksAhead(APIView):
    """A view whose credential, limits and entries are read in one round trip."""

    reads: ClassVar[tuple[CachePolicy[Any], ...]] = ()
    """Policies with the one parameter `user_id`, whose entries for the caller a safe request reads."""

    def reads_ahead(self, user_id: int) -> Iterable[Wanted]:
        """What a safe request of this user reads; override it where the parameters are others."""
        return [(policy, {"user_id": user_id}) for policy in self.reads]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """See APIView."""
        with ahead.scope():
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """See APIView."""
        foresight = _foreseen(request) if conf.enabled else None
        if foresight is not None:
            self._look_ahead(request, foresight)
        super().initial(request, *args, **kwargs)

    def _look_ahead(self, request: Request, foresight: Foresight) -> None:
        guard = lookup_of(*foresight.credential)
        wanted = self.reads_ahead(foresight.user_id) if request.method in SAFE_METHODS else ()
        limits = [
            logs_of(throttle.wishes(foresight.caller))
            for throttle in self.get_throttles()
            if isinstance(throttle, RateLimitThrottle)
        ]
        ahead.look([guard, *(lookup_of(policy, params) for policy, params in wanted)], limits, guard=guard)


def _foreseen(request: Request) -> Foresight | None:
    """What the first authentication class foresees that finds its credential, in the order in which they are asked."""
    for each in request.authenticators or ():
        if isinstance(each, Foresees) and (foresight := each.foresee(request)) is not None:
            return foresight
    return None
