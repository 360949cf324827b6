"""API keys over REST: made, shown once, used from the cache, revoked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import api_keys
from accounts.api_keys import SignedOut
from accounts.api_keys import make_key as make_key_row
from accounts.identity import identity_of, user_of
from accounts.key_text import new_key, parse_key
from accounts.models import ApiKey, User
from accounts.owners import owners
from accounts.policies import API_KEY
from accounts.sign_ins import sign_out_everywhere
from cache_platform import peek
from tests.integration.accounts.credentials import (
    PASSWORD,
    assert_refused,
    empty_redis,
    make_key,
    new_user,
    post,
    sign_in,
    who,
)
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.integration.accounts.routes"),
    pytest.mark.usefixtures("empty_redis"),
]
Queries = Callable[[int], AbstractContextManager[Any]]


def by(made: dict[str, Any]) -> dict[str, str]:
    """The header with that key."""
    return {"X-API-Key": made["key"]}


def kept(made: dict[str, Any], user: Any) -> Any:
    """What the cache holds for that key."""
    known = parse_key(made["key"])
    assert known is not None
    return peek(API_KEY, {"user_id": user.pk, "key": known.digest})


# Making


def test_a_key_is_shown_once(client: Client) -> None:
    """In the answer that makes it, and in no list."""
    signed_in = sign_in(client)
    made = make_key(client, signed_in, name="for the robot")
    assert made.keys() == {
        "id", "key", "prefix", "name", "scopes", "created_at", "expires_at", "last_used_at",
    }  # fmt: skip
    assert (made["name"], made["scopes"], made["expires_at"], made["last_used_at"]) == (
        "for the robot",
        ["read"],
        None,
        None,
    )
    answer = client.get("/api/auth/api-keys", headers=signed_in.bearer)
    assert made["key"] not in answer.content.decode()
    assert answer.json() == {
        "success": True,
        "data": {"items": [{name: made[name] for name in made if name != "key"}], "total": 1, "page": 1},
    }


def test_answers_with_keys_are_not_to_be_stored(client: Client) -> None:
    """Neither the list nor the key."""
    signed_in = sign_in(client)
    made = post(client, "/api/auth/api-keys", {"name": "k"}, signed_in.bearer)
    number = made.json()["data"]["id"]
    for answer in (
        made,
        client.get("/api/auth/api-keys", headers=signed_in.bearer),
        client.get("/api/auth/api-keys"),
        client.delete(f"/api/auth/api-keys/{number}", headers=signed_in.bearer),
        client.delete(f"/api/auth/api-keys/{number}", headers=signed_in.bearer),
    ):
        assert answer["Cache-Control"] == "no-store"
        assert "ETag" not in answer


def test_lists_are_of_the_own_keys(client: Client) -> None:
    """Newest first; also when somebody else has the same password and salt."""
    one, other = new_user(), new_user()
    User.objects.filter(pk=other.pk).update(password=one.password)
    one, other = sign_in(client, one), sign_in(client, other)
    make_key(client, other)
    mine = [make_key(client, one, name=name)["id"] for name in ("a", "b", "c")]
    shown = client.get("/api/auth/api-keys", headers=one.bearer).json()["data"]
    assert [item["id"] for item in shown["items"]] == mine[::-1]
    assert shown["total"] == 3


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "nul\0"}, "name"),
        ({"name": "a", "scopes": []}, "scopes"),
        ({"name": "a", "scopes": ["admin"]}, "scopes"),
        ({"name": "a", "scopes": "read"}, "scopes"),
        ({"name": "a", "scopes": ["read", "write", "read"]}, "scopes"),
        ({"name": "a", "scopes": [["read"]]}, "scopes"),
        ({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "a", "expires_at": "soon"}, "expires_at"),
        ({"name": "a", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ({"name": "a", "expires_at": 5}, "expires_at"),
        ({}, "name"),
    ],
)
def test_what_cannot_be_a_key_is_a_400(client: Client, fields: dict[str, Any], wrong: str) -> None:
    """With the field that is wrong."""
    answer = post(client, "/api/auth/api-keys", fields, sign_in(client).bearer)
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {wrong}
    assert not ApiKey.objects.exists()


def test_there_is_an_end_to_the_keys_of_one_user(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revoking one makes room."""
    monkeypatch.setattr(api_keys, "MOST_KEYS", 2)
    signed_in = sign_in(client)
    made = [make_key(client, signed_in) for _ in range(2)]
    assert post(client, "/api/auth/api-keys", {"name": "a"}, signed_in.bearer).status_code == 400
    client.delete(f"/api/auth/api-keys/{made[0]['id']}", headers=signed_in.bearer)
    make_key(client, signed_in)


def test_a_session_that_is_being_ended_leaves_no_key_behind(client: Client) -> None:
    """The user was signed out between the authentication of the request and the making of the key."""
    user = new_user()
    asking = user_of(identity_of(user))
    make_key_row(asking, name="before", scopes=["read"])
    sign_out_everywhere(user)
    with pytest.raises(SignedOut):
        make_key_row(asking, name="after", scopes=["read"])
    user.delete()
    with pytest.raises(SignedOut):
        make_key_row(asking, name="after", scopes=["read"])


# Using


def test_a_key_opens_what_its_user_may_see(client: Client) -> None:
    """The request's user is the key's."""
    signed_in = sign_in(client)
    answer = who(client, by(make_key(client, signed_in)))
    assert answer.status_code == 200
    assert (answer.json()["username"], answer.json()["by"]) == (signed_in.user.username, "key")


def test_the_second_request_asks_no_database(client: Client, django_assert_num_queries: Queries) -> None:
    """Neither for the key, nor for the user, nor to write down that it was used."""
    made = make_key(client, sign_in(client))
    first = who(client, by(made))
    with django_assert_num_queries(0):
        assert who(client, by(made)).content == first.content


def test_another_process_asks_only_whose_the_key_is(client: Client, django_assert_num_queries: Queries) -> None:
    """What the key grants is in Redis by then."""
    made = make_key(client, sign_in(client))
    who(client, by(made))
    owners.reset()
    with django_assert_num_queries(1):
        assert who(client, by(made)).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_scope_read_opens_safe_methods_only(client: Client, method: str) -> None:
    """What a route does is its method's affair: whatever may change something needs `write`."""
    made = make_key(client, sign_in(client), scopes=["read"])
    answer = who(client, by(made), method)
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert who(client, by(made), "head").status_code == 200
    assert who(client, by(made), "options").status_code == 200


def test_the_scope_write_opens_the_others(client: Client) -> None:
    """And those alone."""
    signed_in = sign_in(client)
    both = make_key(client, signed_in, scopes=["write", "read"])
    assert both["scopes"] == ["read", "write"]
    assert who(client, by(both), "post").status_code == who(client, by(both)).status_code == 200
    blind = make_key(client, signed_in, scopes=["write"])
    assert who(client, by(blind), "post").status_code == 200
    assert who(client, by(blind)).status_code == 403


def test_a_key_manages_neither_keys_nor_passwords(client: Client) -> None:
    """One that leaked makes no others and locks nobody out."""
    signed_in = sign_in(client)
    made = make_key(client, signed_in, scopes=["read", "write"])
    answers = [
        client.get("/api/auth/api-keys", headers=by(made)),
        post(client, "/api/auth/api-keys", {"name": "a"}, by(made)),
        client.delete(f"/api/auth/api-keys/{made['id']}", headers=by(made)),
        post(client, "/api/auth/password", {"old": PASSWORD, "new": "another horse 43 staple"}, by(made)),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert ApiKey.objects.get().revoked_at is None
    assert who(client, by(made)).status_code == 200


def test_a_use_is_written_down_once_a_load(client: Client, django_assert_num_queries: Queries) -> None:
    """And again when it is some time ago; it ends no entry."""
    signed_in = sign_in(client)
    made = make_key(client, signed_in)
    who(client, signed_in.bearer)
    who(client, by(made))
    first = ApiKey.objects.get().last_used_at
    assert first is not None
    assert kept(made, signed_in.user) is not None
    with django_assert_num_queries(0):
        assert who(client, signed_in.bearer).status_code == 200
    ApiKey.objects.filter(pk=made["id"]).update(name="superseded")
    who(client, by(made))
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.filter(pk=made["id"]).update(name="again", last_used_at=first - timedelta(hours=1))
    who(client, by(made))
    assert ApiKey.objects.get().last_used_at > first


def test_a_use_that_cannot_be_written_down_fails_nobody(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that takes no writes at the moment still lets people in."""
    from django.db import DatabaseError
    from django.db.models import QuerySet

    made = make_key(client, sign_in(client))
    update = QuerySet.update

    def read_only(self: Any, **values: Any) -> int:
        if "last_used_at" in values:
            raise DatabaseError("read only")
        return update(self, **values)

    monkeypatch.setattr(QuerySet, "update", read_only)
    assert who(client, by(made)).status_code == 200
    assert ApiKey.objects.get().last_used_at is None


def test_a_key_ends_when_it_expires(client: Client) -> None:
    """Its entry is not fresh past that; another process does not load it either."""
    signed_in = sign_in(client)
    until = datetime.now(UTC) + timedelta(hours=1)
    made = make_key(client, signed_in, expires_at=until.isoformat())
    assert who(client, by(made)).status_code == 200
    assert API_KEY.until is not None
    assert API_KEY.until(kept(made, signed_in.user)) == until.timestamp()
    ApiKey.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert_refused(who(client, by(made)))


def test_a_key_without_an_end_has_the_policys_ttl(client: Client) -> None:
    """It is kept, and not treated as ended."""
    signed_in = sign_in(client)
    made = make_key(client, signed_in)
    who(client, by(made))
    assert kept(made, signed_in.user).expires is None


# Ending


def test_a_revoked_key_is_refused_at_once(client: Client) -> None:
    """And gone from the list; revoking it again finds nothing."""
    signed_in = sign_in(client)
    made, other = make_key(client, signed_in), make_key(client, signed_in)
    assert who(client, by(made)).status_code == 200
    answer = client.delete(f"/api/auth/api-keys/{made['id']}", headers=signed_in.bearer)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "data": None})
    assert_refused(who(client, by(made)))
    assert who(client, by(other)).status_code == 200
    shown = client.get("/api/auth/api-keys", headers=signed_in.bearer).json()["data"]
    assert [item["id"] for item in shown["items"]] == [other["id"]]
    assert client.delete(f"/api/auth/api-keys/{made['id']}", headers=signed_in.bearer).status_code == 404


@pytest.mark.parametrize("number", [0, 2**31, 2**63, 10**40])
def test_there_is_no_key_of_an_odd_number(client: Client, number: int) -> None:
    """Beyond what a database can count, too."""
    assert client.delete(f"/api/auth/api-keys/{number}", headers=sign_in(client).bearer).status_code == 404


def test_another_users_key_is_not_there(client: Client) -> None:
    """The same answer as for one that nobody has."""
    one, other = sign_in(client), sign_in(client)
    made = make_key(client, one)
    answers = [client.delete(f"/api/auth/api-keys/{key}", headers=other.bearer) for key in (made["id"], 10**6)]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content
    assert who(client, by(made)).status_code == 200


def test_signing_out_leaves_keys_alone(client: Client) -> None:
    """They are no sign-in."""
    signed_in = sign_in(client)
    made = make_key(client, signed_in)
    post(client, "/api/auth/logout", {"refresh": signed_in.refresh})
    sign_out_everywhere(signed_in.user)
    assert who(client, by(made)).status_code == 200
    assert_refused(who(client, signed_in.bearer))


def test_a_key_from_before_a_new_password_is_not_listed(client: Client) -> None:
    """It opens nothing any more."""
    signed_in = sign_in(client)
    made = make_key(client, signed_in)
    signed_in.user.set_password(PASSWORD)
    signed_in.user.save()
    again = sign_in(client, signed_in.user)
    assert client.get("/api/auth/api-keys", headers=again.bearer).json()["data"]["items"] == []
    assert_refused(who(client, by(made)))


# What is no key


def test_an_unknown_key_reaches_neither_cache_nor_memory(client: Client, redis_cache: RedisUnderTest) -> None:
    """Not even one that was made under the right pepper, as one whose row was deleted."""
    key = new_key()
    assert_refused(who(client, {"X-API-Key": key.text}))
    assert len(owners) == 0
    with redis_cache.client() as raw:
        assert list(raw.scan_iter("*auth.api_key*")) == []


def test_garbage_asks_no_database(client: Client, django_assert_num_queries: Queries) -> None:
    """Its checksum is enough."""
    with django_assert_num_queries(0):
        for text in ("", "x", "cpk_" + "a" * 10 + "_" + "b" * 48, "x" * 1_000_000, "\xff\xfe", "é" * 63):
            assert_refused(who(client, {"X-API-Key": text}))


def test_the_prefix_alone_finds_nothing(client: Client) -> None:
    """A key with a known prefix and another secret, its checksum right."""
    signed_in = sign_in(client)
    made = make_key(client, signed_in)
    stranger = new_key()
    ApiKey.objects.filter(pk=made["id"]).update(prefix=stranger.known.prefix)
    assert_refused(who(client, {"X-API-Key": stranger.text}))
    assert len(owners) == 0
