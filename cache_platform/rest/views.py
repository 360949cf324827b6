"""Views of cached reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import Http404, HttpResponse
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from cache_platform.policies import CachePolicy
from cache_platform.reads import Read
from cache_platform.rest.callers import caller_of
from cache_platform.rest.lookahead import LooksAhead
from cache_platform.rest.problems import exception_handler
from cache_platform.rest.responses import cached_response, private

T = TypeVar("T")
ExceptionHandler = Callable[[Exception, dict[str, Any]], HttpResponse | None]


class _CachedView(LooksAhead):
    """What the views of cached reads have in common."""

    def get_exception_handler(self) -> ExceptionHandler:
        """Problem responses, whatever the project's own EXCEPTION_HANDLER does."""
        return exception_handler

    def respond(
        self, request: Request, policy: CachePolicy[T], read: Read[T], shape: Callable[[T], object] | None = None
    ) -> HttpResponse:
        """The response for `read`'s value, or for what `shape` makes of it. Raises Http404 for "not found"."""
        if read.value is None:
            raise Http404
        return cached_response(request._request, policy, read, shape(read.value) if shape else read.value)


class PublicCachedView(_CachedView):
    """A read that is the same for everybody: nobody is authenticated, so a hit costs no database query."""

    authentication_classes: tuple[type, ...] = ()
    permission_classes: tuple[type, ...] = ()

    def caller(self, request: Request) -> str:
        """Whose load budget a miss is charged to."""
        return caller_of(request._request)


class PrivateCachedView(_CachedView):
    """A read of one's own: authenticated as the project says, for users who are signed in. Whose it is comes from
    `request.user`, never from the address."""

    permission_classes = (IsAuthenticated,)

    def caller(self, request: Request) -> str:
        """Whose load budget a miss is charged to: the user's, wherever the request comes from."""
        return f"user:{request.user.pk}"

    def respond(
        self, request: Request, policy: CachePolicy[T], read: Read[T], shape: Callable[[T], object] | None = None
    ) -> HttpResponse:
        """As for the public view, and private even if the policy's data is not."""
        return private(super().respond(request, policy, read, shape))
