"""Users, tokens and keys for tests, got over REST as clients get them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.core.cache import caches
from django.http import HttpResponse
from django.test import Client

from accounts.owners import owners
from tests.services.redis import RedisUnderTest

PASSWORD = "correct horse 42 staple"
REFUSED = b'{"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "The token or key is not valid."}'
_numbers = itertools.count(1)


@pytest.fixture
def empty_redis(redis_cache: RedisUnderTest) -> RedisUnderTest:
    """An empty Redis, and a process that knows no owner of a key.

    Its connections are new: one that was made before Redis was emptied would leave it to a later one to find out that
    the server is another one, which costs a miss in the middle of a test.
    """
    owners.reset()
    caches["default"].client.get_client().connection_pool.disconnect()
    return redis_cache


@dataclass(frozen=True)
class SignedIn:
    """A user with tokens."""

    user: Any
    access: str
    refresh: str

    @property
    def bearer(self) -> dict[str, str]:
        """The header."""
        return {"Authorization": f"Bearer {self.access}"}


def new_user(**fields: Any) -> AbstractUser:
    """A user with PASSWORD and a name that nobody has."""
    return get_user_model().objects.create_user(f"user{next(_numbers)}", password=PASSWORD, **fields)


def post(client: Client, path: str, body: object, headers: dict[str, str] | None = None) -> HttpResponse:
    """POST `body` as JSON."""
    return client.post(path, body, content_type="application/json", headers=headers or {})


def sign_in(client: Client, user: Any | None = None) -> SignedIn:
    """Tokens for `user`, or for a new one."""
    user = user or new_user()
    answer = post(client, "/api/auth/token", {"username": user.username, "password": PASSWORD})
    assert answer.status_code == 200, answer.content
    tokens = answer.json()
    assert tokens.keys() == {"access", "refresh", "expires_in"}
    return SignedIn(user, tokens["access"], tokens["refresh"])


def make_key(client: Client, signed_in: SignedIn, **fields: Any) -> dict[str, Any]:
    """A new key of that user, as the answer shows it."""
    answer = post(client, "/api/auth/api-keys", {"name": "a key", **fields}, signed_in.bearer)
    assert answer.status_code == 201, answer.content
    return dict(answer.json()["data"])


def who(client: Client, headers: dict[str, str], method: str = "get") -> HttpResponse:
    """The answer to who asks with these headers."""
    return getattr(client, method)("/api/who", headers=headers)


def assert_refused(answer: HttpResponse) -> None:
    """The one 401, byte for byte."""
    assert answer.status_code == 401
    assert answer.content == REFUSED
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
