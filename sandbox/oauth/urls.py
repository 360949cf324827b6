"""Routes of the authorization servers: what each platform has, and nothing that it has not."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, path

from sandbox.oauth import consent, endpoints
from sandbox.oauth.definitions import PLATFORMS, Platform


def _routes(platform: Platform) -> Iterator[URLPattern]:
    base, about = f"oauth/{platform.slug}", {"platform": platform}
    yield path(f"{base}/authorize", consent.authorize, about)
    yield path(f"{base}/token", endpoints.token, about)
    match platform.revocation:
        case "rfc7009":
            yield path(f"{base}/revoke", endpoints.revoke, about)
        case "github":
            yield path(f"{base}/applications/<str:client_id>/token", endpoints.delete_token, about)


urlpatterns = [route for platform in PLATFORMS for route in _routes(platform)]
