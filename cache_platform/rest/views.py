"""Views of cached reads."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from cache_platform.policies import CachePolicy
from cache_platform.reads import Read
from cache_platform.rest.callers import caller_of
from cache_platform.rest.responses import cached_response


class PublicCachedView(APIView):
    """A read that is the same for everybody: nobody is authenticated, so a hit costs no database query."""

    authentication_classes: tuple[type, ...] = ()
    permission_classes: tuple[type, ...] = ()

    def caller(self, request: Request) -> str:
        """Whose load budget a miss is charged to."""
        return caller_of(request._request)

    def respond(self, request: Request, policy: CachePolicy[Any], read: Read[Any], data: object) -> HttpResponse:
        """The response for `data`, which was made of `read`'s value."""
        return cached_response(request._request, policy, read, data)
