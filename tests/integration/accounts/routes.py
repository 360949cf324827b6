"""The accounts' routes, and one that says who asks."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.grants import KeyGrant, TokenGrant


class WhoView(APIView):
    """Who asks, by what, and what that user may do."""

    def get(self, request: Request) -> Response:
        """The user as the site sees it."""
        user = request.user
        return Response(
            {
                "id": user.pk,
                "username": user.username,
                "staff": user.is_staff,
                "permissions": sorted(user.get_all_permissions()),
                "by": {TokenGrant: "token", KeyGrant: "key"}.get(type(request.auth), "session"),
            }
        )

    post = get


urlpatterns = [
    path("", include("accounts.rest.urls")),
    path("api/who", WhoView.as_view()),
]
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
