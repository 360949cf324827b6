"""POST /api/cache/flush: who may, what it answers, and what it leaves in the log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client

from cache_platform import get_or_load
from cache_platform.models import OutboxRow
from tests.integration.accounts.credentials import empty_redis, make_key, new_user, post, sign_in
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

PATH = "/api/cache/flush"


def staff(*codenames: str, **fields: Any) -> Any:
    """Somebody of the staff with these permissions of the cache."""
    user = new_user(is_staff=True, **fields)
    ours = Permission.objects.filter(content_type__app_label="cache_platform")
    user.user_permissions.set(ours.filter(codename__in=codenames))
    return user


def flush(client: Client, user: Any, body: Any) -> HttpResponse:
    """With a token of `user`."""
    return post(client, PATH, body, sign_in(client, user).bearer)


@pytest.fixture
def thing(declare: Any) -> Any:
    """A policy with two entries, of the users 1 and 2."""
    policy = declare(name="test.thing", schema=dict, params={"user_id": int}, tags=("user:{user_id}",))
    assert read_both(policy) == 2
    return policy


def read_both(policy: Any) -> int:
    """How many of the two had to be loaded."""
    loaded = []

    def load(user_id: int) -> dict[str, int]:
        loaded.append(user_id)
        return {"id": user_id}

    for user_id in (1, 2):
        get_or_load(policy, {"user_id": user_id}, load)
    return len(loaded)


def test_strangers_may_not(client: Client, thing: Any) -> None:
    """401, and nothing is flushed."""
    assert post(client, PATH, {"all": True}).status_code == 401
    assert read_both(thing) == 0


@pytest.mark.parametrize("who", ["anybody", "staff", "a viewer", "no staff"])
def test_others_may_not(client: Client, thing: Any, who: str) -> None:
    """403 for staff without the permission, and for one with it who is not staff; nothing is flushed or written."""
    users = {
        "anybody": new_user,
        "staff": staff,
        "a viewer": lambda: staff("view_cache"),
        "no staff": lambda: staff("flush_cache"),
    }
    user = users[who]()
    if who == "no staff":
        user.is_staff = False
        user.save()
    answer = flush(client, user, {"all": True})
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert read_both(thing) == 0
    assert not LogEntry.objects.exists()


def test_superusers_may(client: Client, thing: Any) -> None:
    """They have every permission."""
    answer = flush(client, new_user(is_staff=True, is_superuser=True), {"policy": "test.thing"})
    assert answer.status_code == 200
    assert read_both(thing) == 2


@pytest.mark.parametrize(
    ("body", "shown", "entries", "generations", "loads"),
    [
        ({"policy": "test.thing"}, {"policy": "test.thing"}, None, 1, 2),
        ({"tag": "user:1"}, {"tag": "user:1"}, None, 1, 1),
        ({"user": 1}, {"user": 1}, None, 1, 1),
        ({"pattern": "test.thing:user_id=2:*"}, {"pattern": "test.thing:user_id=2:*"}, 1, 0, 1),
        ({"all": True}, {"all": True}, None, 1, 2),
    ],
)
def test_each_kind(
    client: Client, thing: Any, body: Any, shown: Any, entries: int | None, generations: int, loads: int
) -> None:
    """What it touched, one LogEntry with who it was, and harmless the second time."""
    user = staff("flush_cache")
    answer = flush(client, user, body)
    assert answer.status_code == 200, answer.content
    assert answer["Cache-Control"] == "no-store"
    body_shown = answer.json()
    assert body_shown["success"] is True
    assert body_shown["data"].pop("milliseconds") >= 0
    assert body_shown["data"] == {
        "target": shown,
        "entries": entries,
        "generations": generations,
        "waiting": False,
    }
    assert read_both(thing) == loads
    again = flush(client, user, body)
    assert again.status_code == 200
    assert [entry.user_id for entry in LogEntry.objects.all()] == [user.pk] * 2
    assert read_both(thing) == loads


def test_a_single_entry(client: Client, thing: Any) -> None:
    """By its key."""
    key = thing.address({"user_id": 1}).key
    assert flush(client, staff("flush_cache"), {"key": key}).json()["data"]["entries"] == 1
    assert read_both(thing) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "target"),
        ([], "target"),
        ({"all": True, "user": 1}, "target"),
        ({"policy": "test.thin"}, "policy"),
        ({"tag": ""}, "tag"),
        ({"user": "x"}, "user"),
        ({"user": "1"}, "user"),
        ({"pattern": "\ud800"}, "pattern"),
        ({"key": "cp:tag:all"}, "key"),
        ({"all": "yes"}, "all"),
        ({"everything": True}, "everything"),
    ],
)
def test_bad_bodies_are_refused_by_field(client: Client, thing: Any, body: Any, field: str) -> None:
    """400, with what is allowed; nothing is flushed."""
    answer = flush(client, staff("flush_cache"), body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert list(answer.json()["errors"]) == [field]
    assert read_both(thing) == 0


def test_a_session_needs_a_csrf_token() -> None:
    """403 without, so that no other site can have a browser flush."""
    user = staff("flush_cache")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    assert post(browser, PATH, {"all": True}).status_code == 403
    assert not LogEntry.objects.exists()
    token = browser.get("/accounts/password/").cookies["csrftoken"].value
    assert post(browser, PATH, {"all": True}, {"X-CSRFToken": token}).status_code == 200


def test_a_key_needs_the_scope_write(client: Client) -> None:
    """One that may only read flushes nothing."""
    signed_in = sign_in(client, staff("flush_cache"))
    reading, writing = (make_key(client, signed_in, scopes=scopes)["key"] for scopes in (["read"], ["read", "write"]))
    assert post(client, PATH, {"all": True}, {"X-API-Key": reading}).status_code == 403
    assert not LogEntry.objects.exists()
    assert post(client, PATH, {"all": True}, {"X-API-Key": writing}).status_code == 200


def test_a_permission_that_is_taken_away_counts_at_once(client: Client) -> None:
    """The next request is refused, with the same token."""
    user = staff("flush_cache")
    bearer = sign_in(client, user).bearer
    assert post(client, PATH, {"all": True}, bearer).status_code == 200
    user.user_permissions.clear()
    assert post(client, PATH, {"all": True}, bearer).status_code == 403


def test_a_policy_is_flushed_while_redis_is_away(
    client: Client, thing: Any, empty_redis: RedisUnderTest, settings: Any
) -> None:
    """202: the tags wait in the outbox, so that nothing old is served when it is back. A deletion needs it: 503."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": ["default"]}
    bearer = sign_in(client, staff("flush_cache")).bearer
    empty_redis.pause()
    answer = post(client, PATH, {"policy": "test.thing"}, bearer)
    assert (answer.status_code, answer.json()["data"]["waiting"]) == (202, True)
    assert "policy:test.thing" in OutboxRow.objects.values_list("tags", flat=True)
    answer = post(client, PATH, {"pattern": "test.*"}, bearer)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert "not flushed" in answer.json()["detail"]
    assert answer["Retry-After"]
    empty_redis.resume()
    said = [json.loads(entry.change_message)[0]["deleted"] for entry in LogEntry.objects.order_by("pk")]
    assert [(each["object"], each["waiting"], each["failed"]) for each in said] == [
        ("policy test.thing", True, False),
        ("pattern test.*", False, True),
    ]


def test_what_nobody_took_is_not_said_to_wait(
    client: Client, thing: Any, empty_redis: RedisUnderTest, settings: Any
) -> None:
    """503: the process that was asked alone knows of it."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": []}
    bearer = sign_in(client, staff("flush_cache")).bearer
    empty_redis.pause()
    answer = post(client, PATH, {"policy": "test.thing"}, bearer)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert "neither the store nor the outbox" in answer.json()["detail"]


def test_other_methods_are_not_there(client: Client) -> None:
    """Nothing is flushed by a link."""
    bearer = sign_in(client, staff("flush_cache")).bearer
    assert client.get(PATH, headers=bearer).status_code == 405
