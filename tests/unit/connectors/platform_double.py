"""A platform's authorization server that answers what a test says, and the site's registration at real platforms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from connectors import oauth
from connectors.platform_api import oauth_source
from connectors.providers import get_provider
from tests.unit.provider_double import answering

REGISTERED = {name: (f"the-id-at-{name}", f"the-secret-at-{name}") for name in ("google", "github", "spotify")}
ACCESS = "access-5f1c9e"
REFRESH = "refresh-7a20bd"
CODE = "code-0d4c61"
VERIFIER = "verifier-93b1-0123456789-0123456789-0123456789"
TOKEN = {"access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600, "refresh_token": REFRESH}


@pytest.fixture
def registered(settings: Any) -> None:
    """The site is registered at all real platforms, and lives at https://site.test."""
    settings.OAUTH_CLIENTS = REGISTERED
    settings.SITE_URL = "https://site.test"
    settings.SANDBOX_URL = "http://sandbox.test"


@contextmanager
def platform(slug: str, response: httpx.Response | Exception) -> Iterator[list[httpx.Request]]:
    """Within this block the platform's authorization server answers `response`; the requests that it got."""
    requests: list[httpx.Request] = []
    with oauth_source(slug).through(answering(response, requests=requests)):
        yield requests


def fields(request: httpx.Request) -> dict[str, str]:
    """The form in a request, each name once."""
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    pairs = parse_qsl(request.content.decode(), keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def fetched(slug: str, response: httpx.Response | Exception) -> Any:
    """What `fetch` makes of that answer of the token endpoint."""
    with platform(slug, response):
        return oauth.fetch(get_provider(slug), code=CODE, verifier=VERIFIER, redirect="https://site.test/back")
