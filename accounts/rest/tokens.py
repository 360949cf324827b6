"""Tokens over REST: sign in, refresh, sign out."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import CHALLENGE, CredentialsRefused
from accounts.models import User
from accounts.passwords import check_password_of
from accounts.rest.attempts import ATTEMPTS, ChecksPasswords
from accounts.rest.base import OpenView, http_request, succeeded
from accounts.rest.bodies import Body
from accounts.rest.schema import EMPTY, problems
from accounts.tokens import Claims, TokenPair, exchange, issue, parse_refresh, revoke

LONGEST_PASSWORD = 4096
TOKENS: dict[str, Any] = {
    "type": "object",
    "required": ["access", "refresh", "expires_in"],
    "properties": {
        "access": {"type": "string"},
        "refresh": {"type": "string"},
        "expires_in": {"type": "integer", "description": "Seconds that the access token is good for"},
    },
}


class SignInFields(Body):
    """Username and password."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)


class RefreshFields(Body):
    """A refresh token."""

    refresh = serializers.CharField(max_length=65_536)


class WrongPassword(AuthenticationFailed):
    """A 401 that is the same for a wrong password, an unknown name and an inactive user."""

    default_detail = "The username or the password is wrong."


class RefusingView(OpenView):
    """A 401 needs a challenge (RFC 9110, section 15.5.2), also where no header is looked at."""

    def get_authenticate_header(self, request: Request) -> str:  # noqa: ARG002  # DRF's signature
        """The challenge of every other route."""
        return CHALLENGE


class TokenView(ChecksPasswords, RefusingView):
    """Sign in."""

    @extend_schema(
        operation_id="auth_token",
        request=SignInFields,
        responses={(200, "application/json"): TOKENS, **problems(400, 401, 429)},
        extensions=ATTEMPTS,
    )
    def post(self, request: Request) -> HttpResponse:
        """An access and a refresh token for a username and a password."""
        user = _user(request)
        if user is None:
            raise WrongPassword
        return _answer(issue(user, http_request(request)))


class RefreshView(RefusingView):
    """Refresh."""

    @extend_schema(
        operation_id="auth_refresh",
        request=RefreshFields,
        responses={(200, "application/json"): TOKENS, **problems(400, 401)},
    )
    def post(self, request: Request) -> HttpResponse:
        """New tokens for a refresh token, which is used up; when it comes again, all tokens from its sign-in end."""
        pair = exchange(_claims(request))
        if pair is None:
            raise CredentialsRefused
        return _answer(pair)


class LogoutView(RefusingView):
    """Sign out."""

    @extend_schema(operation_id="auth_logout", request=RefreshFields, responses={**EMPTY, **problems(400, 401)})
    def post(self, request: Request) -> HttpResponse:
        """End all tokens from one sign-in, at once; ending them twice is no error."""
        revoke(_claims(request))
        return succeeded(None)


@sensitive_variables()
def _user(request: Request) -> User | None:
    given = SignInFields(data=request.data)
    given.is_valid(raise_exception=True)
    return check_password_of(**given.validated_data, request=http_request(request))


@sensitive_variables()
def _claims(request: Request) -> Claims:
    given = RefreshFields(data=request.data)
    given.is_valid(raise_exception=True)
    claims = parse_refresh(given.validated_data["refresh"])
    if claims is None:
        raise CredentialsRefused
    return claims


def _answer(pair: TokenPair) -> Response:
    return Response({"access": pair.access, "refresh": pair.refresh, "expires_in": pair.expires_in})
