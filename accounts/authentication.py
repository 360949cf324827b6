"""Who asks: `Authorization: Bearer` (RFC 6750), `X-API-Key` and the session, each read through the cache, and each able
to tell whose it would be before that."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ParseError, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.api_keys import granted_by_key, key_params
from accounts.grants import KeyGrant, TokenGrant
from accounts.identity import user_of
from accounts.key_text import parse_key
from accounts.models import User
from accounts.owners import owners
from accounts.policies import API_KEY, JWT, USER
from accounts.tokens import Claims, granted_by_token, parse_access, token_params
from cache_platform.rest.authentication import SessionAuthentication as PlatformSessionAuthentication
from cache_platform.rest.authentication import SessionScheme as PlatformSessionScheme
from cache_platform.rest.callers import Caller, caller_of
from cache_platform.rest.foresight import Foresight

CHALLENGE = 'Bearer realm="api"'
"""What WWW-Authenticate says (RFC 6750, section 3), without a word on what was wrong."""


class CredentialsRefused(AuthenticationFailed):
    """A 401 that is the same whatever is wrong with a token or key, so that it tells a stranger nothing."""

    default_detail = "The token or key is not valid."


class BearerAuthentication(BaseAuthentication):
    """An access token. One that is not valid is refused, whatever cookie comes with it."""

    def authenticate(self, request: Request) -> tuple[User, TokenGrant] | None:
        """The token's user and grant; None without a token. Raises CredentialsRefused, and ParseError for a key
        beside the token (RFC 6750, section 2: one method a request)."""
        text = _bearer(request)
        if text is None:
            return None
        if "HTTP_X_API_KEY" in request.META:
            raise ParseError("Send a token or a key, not both.")
        del text  # error pages show the variables of frames
        claims = _claims(request)
        grant = granted_by_token(claims) if claims is not None else None
        if grant is None:
            raise CredentialsRefused
        return user_of(grant.identity), grant

    def foresee(self, request: Request) -> Foresight | None:
        """Whose the token would be, and the entry that says whether it was revoked."""
        claims = _claims(request)
        if claims is None:
            return None
        return Foresight(
            user_id=claims.user_id,
            caller=Caller(address=caller_of(request._request), user=str(claims.user_id)),
            credential=(JWT, token_params(claims)),
        )

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  # DRF's signature
        """See CHALLENGE."""
        return CHALLENGE


class ApiKeyAuthentication(BaseAuthentication):
    """An API key. With the scope `read` alone it opens safe methods only."""

    def authenticate(self, request: Request) -> tuple[User, KeyGrant] | None:
        """The key's user and grant; None without a key. Raises CredentialsRefused, and PermissionDenied for a method
        that is not in the key's scopes."""
        if "HTTP_X_API_KEY" not in request.META:
            return None
        known = parse_key(request.META["HTTP_X_API_KEY"])
        grant = granted_by_key(known) if known is not None else None
        if grant is None:
            raise CredentialsRefused
        if ("read" if request.method in SAFE_METHODS else "write") not in grant.scopes:
            raise PermissionDenied("The key's scopes do not allow this.")
        return user_of(grant.identity), grant

    def foresee(self, request: Request) -> Foresight | None:
        """Whose the key is, if this process knows, and the entry that says whether it is still good."""
        known = parse_key(request.META.get("HTTP_X_API_KEY", ""))
        owner = owners.get(known.digest) if known is not None else None
        if known is None or owner is None:
            return None
        return Foresight(
            user_id=owner.user_id,
            caller=Caller(address=caller_of(request._request), user=str(owner.user_id), key=str(owner.key_id)),
            credential=(API_KEY, key_params(known, owner)),
            sure=request.method in SAFE_METHODS,
        )

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  # DRF's signature
        """The same as for tokens, so that refusals do not differ."""
        return CHALLENGE


class SessionAuthentication(PlatformSessionAuthentication):
    """The site's session. Whose it is has to be read first, so a hit costs two round trips."""

    def foresee(self, request: Request) -> Foresight | None:
        """Who is signed in by the session, and the entry that says whether that is still so."""
        user_id = getattr(request._request, "session", {}).get(SESSION_KEY)
        if user_id is None:
            return None
        return Foresight(
            user_id=int(user_id),
            caller=Caller(address=caller_of(request._request), user=str(user_id)),
            credential=(USER, {"user_id": int(user_id)}),
            sure=request.method in SAFE_METHODS,
        )


class SessionScheme(PlatformSessionScheme):  # type: ignore[no-untyped-call]  # registers itself, untyped
    """How the OpenAPI schema describes SessionAuthentication."""

    target_class = "accounts.authentication.SessionAuthentication"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself, untyped
    """How the OpenAPI schema describes BearerAuthentication."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:  # noqa: ARG002  # its signature
        """A security scheme object."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself, untyped
    """How the OpenAPI schema describes ApiKeyAuthentication."""

    target_class = "accounts.authentication.ApiKeyAuthentication"
    name = "apiKeyAuth"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:  # noqa: ARG002  # its signature
        """A security scheme object."""
        return {"type": "apiKey", "in": "header", "name": "X-API-Key"}


def _claims(request: Request) -> Claims | None:
    """What the bearer token says; read once in a request, whoever asks."""
    if "accounts.claims" not in request.META:
        text = _bearer(request)
        request.META["accounts.claims"] = parse_access(text) if text is not None else None
    claims: Claims | None = request.META["accounts.claims"]
    return claims


def _bearer(request: Request) -> str | None:
    """The token of the Authorization header, which may be empty; None without the header, or with another scheme.

    Schemes are in either case, and any number of spaces may follow (RFC 9110, section 11). A header that is empty is
    what some servers make of one that they cannot read: a token that is not valid, rather than no token.
    """
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    scheme, _, text = str(header).strip(" \t").partition(" ")
    return text.strip(" \t") if scheme.lower() in {"bearer", ""} else None
