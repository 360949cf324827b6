"""The site's routes, and some that are authenticated, limited and cached at once."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest.profile import ProfileView
from cache_platform.rest.lookahead import LooksAhead
from cache_platform.rest.throttles import RateLimitThrottle
from config.urls import handler400, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]


class Reads(RateLimitThrottle):
    """A limit for each user."""

    preset = "search"


class ReadsByKeyAndAddress(RateLimitThrottle):
    """A limit for each key, and for each address beside it."""

    preset = "search"
    by = ("key", "ip")


class LimitedProfile(ProfileView):
    """The profile, limited."""

    throttle_classes = [Reads]


class ProfileLimitedTwice(ProfileView):
    """The profile, limited by key and address."""

    throttle_classes = [ReadsByKeyAndAddress]


class StaffProfile(LimitedProfile):
    """The profile, for staff alone."""

    permission_classes = (IsAdminUser,)


class LimitedWrite(LooksAhead):
    """Something that is not cached, limited."""

    throttle_classes = [Reads]

    def post(self, request: Request) -> HttpResponse:  # DRF's signature
        """Nothing is done."""
        return Response({})


urlpatterns = [
    *urlpatterns,
    path("limited/profile", LimitedProfile.as_view()),
    path("limited/staff", StaffProfile.as_view()),
    path("limited/twice", ProfileLimitedTwice.as_view()),
    path("limited/write", LimitedWrite.as_view()),
]
