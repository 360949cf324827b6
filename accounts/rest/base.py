"""What the routes of credentials have in common."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.grants import KeyGrant
from accounts.models import User
from accounts.rest.parsers import JsonParser


class NotByKey(BasePermission):
    """Refuses API keys: one that leaked must not be able to make others, or to lock its owner out."""

    message = "An API key may not do this."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002  # DRF's signature
        """False for a request with a key."""
        return not isinstance(request.auth, KeyGrant)


class CredentialsView(APIView):
    """Answers that nobody may store: tokens and keys."""

    parser_classes = (JsonParser,)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """The response, not to be stored."""
        final = super().finalize_response(request, response, *args, **kwargs)
        final["Cache-Control"] = "no-store"
        return final


class OpenView(CredentialsView):
    """For those who have no credential yet, or one that has expired: whatever the headers say is not looked at."""

    authentication_classes: tuple[type, ...] = ()
    permission_classes: tuple[type, ...] = ()


class OwnView(CredentialsView):
    """For a user who is signed in."""

    permission_classes = (IsAuthenticated, NotByKey)


def succeeded(data: object, *, status: int = 200) -> Response:
    """`{"success": true, "data": …}`."""
    return Response({"success": True, "data": data}, status=status)


def http_request(request: Request) -> HttpRequest:
    """Django's request inside DRF's."""
    return request._request


def user_in(request: Request) -> User:
    """The signed-in user of an OwnView."""
    assert isinstance(request.user, User)
    return request.user
