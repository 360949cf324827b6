"""Authentication for the API."""

from __future__ import annotations

import hmac
from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.authentication import SessionScheme as SessionExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.authentication import SessionAuthentication as DrfSessionAuthentication
from rest_framework.request import Request

from cache_platform.conf import conf

SCRAPER = "scraper"
"""What `request.auth` is for one who has the token for metrics."""


class SessionAuthentication(DrfSessionAuthentication):
    """The site's session, with CSRF protection; answers 401 to strangers, where DRF's own answers 403."""

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  # DRF's signature
        """What WWW-Authenticate says."""
        return 'Session realm="api"'


class SessionScheme(SessionExtension):  # type: ignore[no-untyped-call]  # registers itself, untyped
    """How the OpenAPI schema describes SessionAuthentication."""

    target_class = "cache_platform.rest.authentication.SessionAuthentication"


class MetricsTokenAuthentication(BaseAuthentication):
    """The token for metrics. Another one is left to those who come after."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str] | None:
        """Nobody in particular, and SCRAPER; None without that token. Compared in constant time."""
        scheme, _, given = str(request.META.get("HTTP_AUTHORIZATION", "")).partition(" ")
        wanted = conf.metrics_token
        if not wanted or scheme.lower() != "bearer":
            return None
        same = hmac.compare_digest(given.strip().encode("utf-8", "surrogatepass"), wanted.encode())
        return (AnonymousUser(), SCRAPER) if same else None

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  # DRF's signature
        """What WWW-Authenticate says."""
        return 'Bearer realm="api"'


class MetricsTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself, untyped
    """How the OpenAPI schema describes MetricsTokenAuthentication."""

    target_class = "cache_platform.rest.authentication.MetricsTokenAuthentication"
    name = "metricsToken"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:  # noqa: ARG002  # its signature
        """A security scheme object."""
        return {"type": "http", "scheme": "bearer", "description": "METRICS_TOKEN"}
