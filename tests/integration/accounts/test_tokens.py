"""Tokens over REST: got, used from the cache, refreshed, ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.test import Client
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.models import Session, TokenFamily
from accounts.policies import JWT
from accounts.tokens import parse_access
from cache_platform import peek
from cache_platform.testing import failing_store
from tests.integration.accounts.credentials import (
    PASSWORD,
    SignedIn,
    assert_refused,
    empty_redis,
    make_key,
    new_user,
    post,
    sign_in,
    who,
)

__all__ = ["empty_redis"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.integration.accounts.routes"),
    pytest.mark.usefixtures("empty_redis"),
]
Queries = Callable[[int], AbstractContextManager[Any]]


def refresh(client: Client, token: str) -> Any:
    """The answer to a refresh."""
    return post(client, "/api/auth/refresh", {"refresh": token})


def test_a_token_opens_what_its_user_may_see(client: Client) -> None:
    """The request's user is the token's."""
    signed_in = sign_in(client)
    answer = who(client, signed_in.bearer)
    assert answer.status_code == 200
    assert answer.json()["username"] == signed_in.user.username
    assert answer.json()["by"] == "token"


def test_the_second_request_asks_no_database(client: Client, django_assert_num_queries: Queries) -> None:
    """Neither for the token, nor for the user, nor for a permission."""
    signed_in = sign_in(client)
    first = who(client, signed_in.bearer)
    with django_assert_num_queries(0):
        assert who(client, signed_in.bearer).content == first.content


def test_an_entry_is_not_fresh_past_the_tokens_end(client: Client) -> None:
    """Its TTL is the policy's, or what is left of the token."""
    signed_in = sign_in(client)
    who(client, signed_in.bearer)
    claims = parse_access(signed_in.access)
    assert claims is not None
    found = peek(JWT, {"user_id": claims.user_id, "token": claims.digest})
    assert found is not None
    assert JWT.until is not None
    assert JWT.until(found) == AccessToken(signed_in.access)["exp"]


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR", "Bearer  ", " Bearer", "Bearer   "])
def test_schemes_are_in_either_case_and_spaces_are_free(client: Client, scheme: str) -> None:
    """RFC 9110, section 11: what is meant is clear, so it is taken."""
    signed_in = sign_in(client)
    assert who(client, {"Authorization": f"{scheme} {signed_in.access}"}).status_code == 200


def test_the_answer_is_not_to_be_stored(client: Client) -> None:
    """Neither by browsers nor by proxies, in good cases and bad ones."""
    signed_in = sign_in(client)
    credentials = {"username": signed_in.user.username, "password": PASSWORD}
    for answer in (
        post(client, "/api/auth/token", credentials),
        post(client, "/api/auth/token", {}),
        post(client, "/api/auth/token", {**credentials, "password": "wrong"}),
        refresh(client, signed_in.refresh),
        refresh(client, "x"),
        post(client, "/api/auth/logout", {"refresh": signed_in.refresh}),
        client.get("/api/auth/token"),
    ):
        assert answer["Cache-Control"] == "no-store"
        assert "ETag" not in answer


def test_a_token_tells_nothing_but_what_it_needs(client: Client) -> None:
    """Anybody who holds it can read it: a user's number, and no name."""
    signed_in = sign_in(client)
    claims = {"user_id", "family", "jti", "exp", "iat", "token_type"}
    assert AccessToken(signed_in.access).payload.keys() == claims
    assert RefreshToken(signed_in.refresh).payload.keys() == claims
    assert (
        post(client, "/api/auth/token", {"username": signed_in.user.username, "password": PASSWORD}).json()[
            "expires_in"
        ]
        == timedelta(minutes=5).total_seconds()
    )


# Signing in


@pytest.mark.parametrize("inactive", [False, True])
def test_a_wrong_password_an_unknown_name_and_an_inactive_user_look_alike(client: Client, inactive: bool) -> None:
    """Names cannot be found out, neither by what is said nor by what is hashed."""
    user = new_user(is_active=not inactive)
    answers = [
        post(client, "/api/auth/token", {"username": user.username, "password": "wrong"}),
        post(client, "/api/auth/token", {"username": "nobody-has-this-name", "password": PASSWORD}),
    ]
    if inactive:
        answers.append(post(client, "/api/auth/token", {"username": user.username, "password": PASSWORD}))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert {answer["WWW-Authenticate"] for answer in answers} == {'Bearer realm="api"'}


def test_each_refusal_costs_one_hash(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name takes as long as a known one."""
    user, inactive = new_user(), new_user(is_active=False)
    hashed: list[str] = []
    encode = hashers.MD5PasswordHasher.encode

    def counted(self: Any, password: str, *args: Any) -> str:
        hashed.append(password)
        return encode(self, password, *args)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counted)
    for name in (user.username, inactive.username, "nobody-has-this-name"):
        hashed.clear()
        assert post(client, "/api/auth/token", {"username": name, "password": "wrong"}).status_code == 401
        assert hashed == ["wrong"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"username", "password"}),
        ({"username": "ada"}, {"password"}),
        ({"username": "", "password": ""}, {"username", "password"}),
        ({"username": ["ada"], "password": {}}, {"username", "password"}),
        ({"username": None, "password": None}, {"username", "password"}),
        ({"username": "a\0da", "password": "x"}, {"username"}),
        ({"username": "\ud800", "password": "\udfff"}, {"username", "password"}),
        ({"username": "a" * 151, "password": "x" * 5000}, {"username", "password"}),
        ([], {"non_field_errors"}),
        ('"text"', {"non_field_errors"}),
        ("7", {"non_field_errors"}),
        ("null", {"non_field_errors"}),
    ],
)
def test_a_body_that_says_something_else_is_a_400(client: Client, body: object, fields: set[str]) -> None:
    """With the fields that are wrong."""
    answer = post(client, "/api/auth/token", body)
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == fields


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"username": NaN}', b"9" * 5000, "{}".encode("utf-16")]
)
def test_a_body_that_is_no_json_is_a_400(client: Client, body: bytes) -> None:
    """Nested a hundred thousand deep, in another charset, with a number too long."""
    answer = client.post("/api/auth/token", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("content_type", ["application/json; charset=nonsense", "application/json; charset=zlib_codec"])
def test_json_is_utf8_whatever_the_header_says(client: Client, content_type: str) -> None:
    """RFC 8259 knows no other."""
    user = new_user()
    body = f'{{"username": "{user.username}", "password": "{PASSWORD}"}}'
    assert client.generic("POST", "/api/auth/token", body.encode(), content_type=content_type).status_code == 200


def test_a_form_is_not_taken_for_json(client: Client) -> None:
    """So that no form on another page can send one."""
    user = new_user()
    assert client.post("/api/auth/token", {"username": user.username, "password": PASSWORD}).status_code == 415


def test_a_bad_token_does_not_keep_anybody_from_getting_a_good_one(client: Client) -> None:
    """Clients send the old one along."""
    signed_in = sign_in(client)
    headers = {"Authorization": "Bearer x", "X-API-Key": "y"}
    answer = post(client, "/api/auth/refresh", {"refresh": signed_in.refresh}, headers)
    assert answer.status_code == 200
    credentials = {"username": signed_in.user.username, "password": PASSWORD}
    assert post(client, "/api/auth/token", credentials, headers).status_code == 200


def test_ended_families_are_cleared_away_at_the_next_sign_in(client: Client) -> None:
    """The table does not grow with every sign-in for ever; other users' rows are let be."""
    signed_in, other = sign_in(client), sign_in(client)
    past = datetime.now(UTC) - timedelta(seconds=1)
    TokenFamily.objects.update(expires_at=past)
    sign_in(client, signed_in.user)
    assert TokenFamily.objects.filter(user=signed_in.user).count() == 1
    assert TokenFamily.objects.filter(user=other.user).count() == 1


def test_a_family_says_where_it_came_from(client: Client) -> None:
    """So that its owner knows it again."""
    user = new_user()
    headers = {"User-Agent": "curl/8.0 \x01" + "x" * 300}
    post(client, "/api/auth/token", {"username": user.username, "password": PASSWORD}, headers)
    family = TokenFamily.objects.get(user=user)
    assert family.user_agent == ("curl/8.0 " + "x" * 300)[:200]
    assert family.address == "127.0.0.1"


# Refreshing


def test_a_refresh_gives_new_tokens_of_the_same_family(client: Client) -> None:
    """Both work; the access token from before goes on to its own end."""
    signed_in = sign_in(client)
    answer = refresh(client, signed_in.refresh)
    assert answer.status_code == 200
    renewed = answer.json()
    assert renewed.keys() == {"access", "refresh", "expires_in"}
    assert not {renewed["access"], renewed["refresh"]} & {signed_in.access, signed_in.refresh}
    assert who(client, {"Authorization": f"Bearer {renewed['access']}"}).status_code == 200
    assert who(client, signed_in.bearer).status_code == 200
    assert refresh(client, renewed["refresh"]).status_code == 200
    assert TokenFamily.objects.filter(user=signed_in.user).count() == 1


def test_a_refresh_ends_no_entry(client: Client, django_assert_num_queries: Queries) -> None:
    """What is cached of the user's other tokens stays."""
    one, other = (signed_in := sign_in(client)), sign_in(client, signed_in.user)
    who(client, other.bearer)
    refresh(client, one.refresh)
    with django_assert_num_queries(0):
        assert who(client, other.bearer).status_code == 200


def test_a_used_refresh_token_ends_the_family(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """RFC 9700, section 4.14.2: a thief and the owner cannot be told apart, so both are out."""
    signed_in, other = (first := sign_in(client)), sign_in(client, first.user)
    renewed = refresh(client, signed_in.refresh).json()
    bearer = {"Authorization": f"Bearer {renewed['access']}"}
    assert who(client, bearer).status_code == 200
    with caplog.at_level(logging.WARNING, logger="accounts.tokens"):
        assert_refused(refresh(client, signed_in.refresh))
    assert "came again" in caplog.text
    for token in (signed_in.refresh, renewed["refresh"]):
        assert_refused(refresh(client, token))
    assert_refused(who(client, bearer))
    assert_refused(who(client, signed_in.bearer))
    assert who(client, other.bearer).status_code == 200


def test_an_access_token_does_not_refresh(client: Client) -> None:
    """It lives in more places."""
    assert_refused(refresh(client, sign_in(client).access))


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "x" * 60_000])
def test_garbage_does_not_refresh(client: Client, token: str) -> None:
    """The same answer as for what is real and over."""
    assert_refused(refresh(client, token))
    assert_refused(post(client, "/api/auth/logout", {"refresh": token}))


# Ending


def test_signing_out_ends_both_tokens_at_once(client: Client) -> None:
    """The access token too, which simplejwt would let live."""
    signed_in = sign_in(client)
    assert who(client, signed_in.bearer).status_code == 200
    answer = post(client, "/api/auth/logout", {"refresh": signed_in.refresh})
    assert (answer.status_code, answer.json()) == (200, {"success": True, "data": None})
    assert_refused(who(client, signed_in.bearer))
    assert_refused(refresh(client, signed_in.refresh))


def test_signing_out_twice_is_no_error(client: Client) -> None:
    """RFC 7009, section 2.2: what the client wanted is so."""
    signed_in = sign_in(client)
    for _ in range(2):
        assert post(client, "/api/auth/logout", {"refresh": signed_in.refresh}).status_code == 200


def test_signing_out_leaves_other_sign_ins_alone(client: Client) -> None:
    """One device is one family."""
    one, other = (first := sign_in(client)), sign_in(client, first.user)
    post(client, "/api/auth/logout", {"refresh": one.refresh})
    assert_refused(who(client, one.bearer))
    assert who(client, other.bearer).status_code == 200


def test_signing_out_with_an_older_refresh_token_ends_the_family(client: Client) -> None:
    """A client that lost an answer can still sign out."""
    signed_in = sign_in(client)
    renewed = refresh(client, signed_in.refresh).json()
    assert post(client, "/api/auth/logout", {"refresh": signed_in.refresh}).status_code == 200
    assert_refused(who(client, {"Authorization": f"Bearer {renewed['access']}"}))


def test_an_access_token_does_not_sign_out(client: Client) -> None:
    """Only who could have gone on may end it."""
    signed_in = sign_in(client)
    assert_refused(post(client, "/api/auth/logout", {"refresh": signed_in.access}))
    assert who(client, signed_in.bearer).status_code == 200


def test_without_redis_the_database_decides(client: Client) -> None:
    """Good credentials are let in, ended ones are not, and nothing is served from before."""
    one, other = (signed_in := sign_in(client)), sign_in(client, signed_in.user)
    key = {"X-API-Key": make_key(client, one)["key"]}
    for headers in (one.bearer, other.bearer, key):
        assert who(client, headers).status_code == 200
    TokenFamily.objects.filter(pk=RefreshToken(other.refresh)["family"]).update(revoked_at=datetime.now(UTC))
    with failing_store():
        assert who(client, one.bearer).status_code == 200
        assert who(client, key).status_code == 200
        assert_refused(who(client, other.bearer))
        assert_refused(who(client, {"Authorization": "Bearer x"}))


# The password


def change(client: Client, signed_in: SignedIn, old: str = PASSWORD, new: str = "another horse 43 staple") -> Any:
    """The answer to a change of the password."""
    return post(client, "/api/auth/password", {"old": old, "new": new}, signed_in.bearer)


def test_a_new_password_ends_tokens_sessions_and_keys(client: Client) -> None:
    """Also those that changed it, and other devices'."""
    signed_in, other = (first := sign_in(client)), sign_in(client, first.user)
    key = make_key(client, signed_in)["key"]
    browser = Client()
    browser.force_login(signed_in.user)
    for headers in (signed_in.bearer, other.bearer, {"X-API-Key": key}):
        assert who(client, headers).status_code == 200
    assert who(browser, {}).status_code == 200
    answer = change(client, signed_in)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "data": None})
    for headers in (signed_in.bearer, other.bearer, {"X-API-Key": key}):
        assert_refused(who(client, headers))
    assert who(browser, {}).status_code == 401
    assert_refused(refresh(client, other.refresh))
    assert not Session.objects.filter(user=signed_in.user).exists()
    credentials = {"username": signed_in.user.username, "password": "another horse 43 staple"}
    assert post(client, "/api/auth/token", credentials).status_code == 200


def test_a_browser_can_change_the_password_and_is_signed_out(client: Client) -> None:
    """With its session, and the token against forged requests that comes with it."""
    user = new_user()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    body = {"old": PASSWORD, "new": "another horse 43 staple"}
    assert post(strict, "/api/auth/password", body).status_code == 403
    client.force_login(user)
    assert post(client, "/api/auth/password", body).status_code == 200
    assert who(client, {}).status_code == 401


def test_a_wrong_old_password_changes_nothing(client: Client) -> None:
    """And says which field is wrong."""
    signed_in = sign_in(client)
    answer = change(client, signed_in, old="wrong")
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"old"}
    assert who(client, signed_in.bearer).status_code == 200


@pytest.mark.parametrize("new", ["short", "1234567890123", "password", "someone@example.invalid"])
def test_a_weak_password_is_refused(client: Client, new: str) -> None:
    """By the validators of the site; nothing is ended."""
    signed_in = sign_in(client, new_user(email="someone@example.invalid"))
    answer = change(client, signed_in, new=new)
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"new"}
    assert who(client, signed_in.bearer).status_code == 200


def test_a_stranger_changes_no_password(client: Client) -> None:
    """Without credentials there is nobody whose it could be."""
    assert post(client, "/api/auth/password", {"old": PASSWORD, "new": "x"}).status_code == 401
