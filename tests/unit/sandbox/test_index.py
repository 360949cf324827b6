"""The front page names what there is."""

from __future__ import annotations

import re

from django.urls import URLPattern, URLResolver

from sandbox import urls
from sandbox.index import PAGE

PARAMETER = re.compile(r"<\w+:(?:item_)?(\w+)>")
PLATFORM = re.compile(r"oauth/(tunebox|daybook|codeyard|chirper)/(authorize|token|revoke)$")


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> list[str]:
    """All routes below some patterns."""
    found: list[str] = []
    for entry in patterns:
        here = before + str(entry.pattern)
        found += routes(entry.url_patterns, here) if isinstance(entry, URLResolver) else [here]
    return found


def test_every_route_is_on_the_front_page():
    """With the names of its parameters; the authorization servers' stand there once for all platforms."""
    for route in routes(urls.urlpatterns):
        shown = PLATFORM.sub(r"oauth/<platform>/\2", route)
        shown = PARAMETER.sub(r"<\1>", shown)
        assert f"/{shown}" in PAGE, route


def test_no_platform_has_a_route_that_it_should_not_have():
    """Spotify and GitHub have no revocation endpoint of RFC 7009."""
    revoking = {route for route in routes(urls.urlpatterns) if route.endswith("/revoke")}
    assert revoking == {"oauth/daybook/revoke", "oauth/chirper/revoke"}
