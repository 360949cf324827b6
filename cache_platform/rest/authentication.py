"""Authentication for the API."""

from drf_spectacular.authentication import SessionScheme as SessionExtension
from rest_framework.authentication import SessionAuthentication as DrfSessionAuthentication
from rest_framework.request import Request


class SessionAuthentication(DrfSessionAuthentication):
    """The site's session, with CSRF protection; answers 401 to strangers, where DRF's own answers 403."""

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002  # DRF's signature
        """What WWW-Authenticate says."""
        return 'Session realm="api"'


class SessionScheme(SessionExtension):  # type: ignore[no-untyped-call]  # registers itself, untyped
    """How the OpenAPI schema describes SessionAuthentication."""

    target_class = "cache_platform.rest.authentication.SessionAuthentication"
