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

from cache_platform import ahead
from cache_platform.conf import conf
from cache_platform.policies import CachePolicy
from cache_platform.ratelimits import Wish, logs_of
from cache_platform.reading import lookup_of
from cache_platform.rest.callers import caller_in
from cache_platform.rest.foresight import Foresees, Foresight, Wanted
from cache_platform.rest.throttles import TellsLimits
from cache_platform.stores.base import Lookup


class LooksAhead(TellsLimits):
    """A view whose credential, limits and entries are read in one round trip; with an authentication class that does
    not foresee, its limits and entries in one after that."""

    reads: ClassVar[tuple[CachePolicy[Any], ...]] = ()
    """Policies with the one parameter `user_id`, whose entries for the caller a safe request reads."""

    _looked = False

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
            guard = lookup_of(*foresight.credential)
            wishes = self.limits_of(foresight.caller) if foresight.sure else []
            self._look([guard, *self._lookups(request, foresight.user_id)], wishes, guard=guard)
        super().initial(request, *args, **kwargs)

    def check_throttles(self, request: Request) -> None:
        """See TellsLimits. Who asks is known, and allowed to, by now."""
        if conf.enabled and not self._looked and request.user is not None and request.user.is_authenticated:
            wishes, lookups = self.limits_of(caller_in(request)), self._lookups(request, request.user.pk)
            if wishes and lookups:
                self._look(lookups, wishes)
        super().check_throttles(request)

    def _lookups(self, request: Request, user_id: int) -> list[Lookup]:
        wanted = self.reads_ahead(user_id) if request.method in SAFE_METHODS else ()
        return [lookup_of(policy, params) for policy, params in wanted]

    def _look(self, lookups: list[Lookup], wishes: list[Wish], *, guard: Lookup | None = None) -> None:
        self._looked = True
        ahead.look(lookups, [logs_of(wishes)] if wishes else [], guard=guard)


def _foreseen(request: Request) -> Foresight | None:
    """What the first authentication class foresees that finds its credential, in the order in which they are asked."""
    for each in request.authenticators or ():
        if isinstance(each, Foresees) and (foresight := each.foresee(request)) is not None:
            return foresight
    return None
