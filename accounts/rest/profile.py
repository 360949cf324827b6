"""The signed-in user's profile."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.policies import PROFILE
from accounts.profiles import change_profile, read_profile
from accounts.rest.base import user_in
from accounts.rest.changes import ProfileChange, changed, changed_responses
from accounts.rest.parsers import JsonParser
from accounts.schema import ProfileState
from cache_platform.rest.schema import HEADERS, cached_responses
from cache_platform.rest.views import PrivateCachedView


class ProfileView(PrivateCachedView):
    """One's own profile. Whose it is comes from the credentials, never from the address or the body."""

    parser_classes = [JsonParser]
    reads = (PROFILE,)

    @extend_schema(
        operation_id="profile_read", parameters=HEADERS, responses=cached_responses(ProfileState, statuses=(401, 503))
    )
    def get(self, request: Request) -> HttpResponse:
        """Your profile, through the cache."""
        found = read_profile(user_id=user_in(request).pk)
        return self.respond(request, PROFILE, found)

    @extend_schema(operation_id="profile_change", request=ProfileChange, responses=changed_responses(ProfileState))
    def patch(self, request: Request) -> HttpResponse:
        """Change fields of your profile; `settings` is replaced whole."""
        return changed(request, ProfileChange, change_profile)
