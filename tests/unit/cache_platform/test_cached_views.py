"""The views of cached reads: who is let in, and what caches in between are told."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory, force_authenticate

from cache_platform import CachePolicy, SourceTimeout, read
from cache_platform.rest.responses import no_store, private
from cache_platform.rest.views import PrivateCachedView, PublicCachedView
from cache_platform.testing import isolated_cache

OWN: CachePolicy[Any] = CachePolicy(name="test.own", schema=dict, ttl=60, params={"user_id": int})
SHARED: CachePolicy[Any] = CachePolicy(name="test.shared", schema=dict, ttl=60, audience="public")
ADA, GRACE = (SimpleNamespace(pk=pk, is_authenticated=True) for pk in (1, 2))


def load(user_id: int) -> dict[str, int] | None:
    """A loader; user 7 has nothing, user 8's source is away."""
    if user_id == 8:
        raise SourceTimeout("test", "no answer")
    return {"id": user_id} if user_id != 7 else None


class OwnView(PrivateCachedView):
    """One's own."""

    def get(self, request: Request) -> HttpResponse:
        """Read it."""
        return self.respond(request, OWN, read(OWN, {"user_id": request.user.pk}, load, caller=self.caller(request)))


class MembersView(PrivateCachedView):
    """The same for everybody who is signed in."""

    def get(self, request: Request) -> HttpResponse:
        """Read it, in another shape."""
        return self.respond(request, SHARED, read(SHARED, {}, lambda: {"n": 1}), lambda value: [value])


class EverybodysView(PublicCachedView):
    """For strangers too."""

    def get(self, request: Request) -> HttpResponse:
        """Read it."""
        return self.respond(request, SHARED, read(SHARED, {}, lambda: {"n": 1}, caller=self.caller(request)))


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """An empty store."""
    with isolated_cache():
        yield


def get(view: type[PrivateCachedView | PublicCachedView], user: Any = None, **headers: str) -> HttpResponse:
    """The view's answer to `user`."""
    request = APIRequestFactory().get("/", headers=headers)
    if user is not None:
        force_authenticate(request, user)
    return view.as_view()(request)


def test_each_user_gets_their_own() -> None:
    """And the second time from the cache."""
    assert get(OwnView, ADA).content == b'{"success":true,"data":{"id":1},"cached":false}'
    assert get(OwnView, GRACE).content == b'{"success":true,"data":{"id":2},"cached":false}'
    assert get(OwnView, ADA).content == b'{"success":true,"data":{"id":1},"cached":true}'


@pytest.mark.parametrize("view", [OwnView, MembersView])
def test_no_shared_cache_keeps_a_private_answer(view: type[PrivateCachedView]) -> None:
    """Nor may a browser show it to the next user; also when the data itself is public, and for a 304."""
    first = get(view, ADA)
    again = get(view, ADA, if_none_match=first["ETag"])
    assert (first.status_code, again.status_code) == (200, 304)
    for response in (first, again):
        assert response["Cache-Control"] == "private, no-cache"
        assert response["Vary"] == "Authorization, Cookie, X-API-Key"


def test_strangers_are_let_in_nowhere_but_to_public_data() -> None:
    """A problem response, with the way to authenticate, that nobody keeps."""
    for view in (OwnView, MembersView):
        response = get(view)
        assert response.status_code == 401
        assert response["Content-Type"] == "application/problem+json"
        assert response["Cache-Control"] == "no-store"
        assert response["WWW-Authenticate"]
    assert get(EverybodysView)["Cache-Control"].startswith("public, max-age=")


@pytest.mark.parametrize(("user_id", "status"), [(7, 404), (8, 503)])
def test_what_is_missing_or_away_is_a_problem(user_id: int, status: int, settings: Any) -> None:
    """Whatever the project's own exception handler does."""
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "EXCEPTION_HANDLER": "builtins.print"}
    response = get(OwnView, SimpleNamespace(pk=user_id, is_authenticated=True))
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"


def test_a_miss_is_charged_to_the_user() -> None:
    """Not to an address that many users share."""
    request = SimpleNamespace(user=ADA)
    assert PrivateCachedView().caller(request) == "user:1"


def test_what_must_be_kept_nowhere() -> None:
    """Tokens and keys, whatever the response said before."""
    response = private(HttpResponse(headers={"ETag": 'W/"1"'}))
    assert no_store(response) is response
    assert response["Cache-Control"] == "no-store"
    assert "ETag" not in response
    assert no_store(HttpResponse())["Cache-Control"] == "no-store"
