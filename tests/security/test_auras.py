"""The auras' routes against people who want what is not theirs, and bodies that mean ill."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from auras.models import Aura
from tests.integration.accounts.credentials import empty_redis
from tests.integration.auras.people import CREATE, WAYS, Person, person
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]


@pytest.fixture(autouse=True)
def quiet(empty_redis: RedisUnderTest, transactional_db: None, settings: Any) -> None:
    """A database, an empty Redis, and no limit in the way."""
    limits = {**settings.CACHE_PLATFORM["RATE_LIMITS"], "auras": "1000/60s"}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": limits}


@pytest.mark.parametrize("way", WAYS)
def test_anothers_numbers_are_as_those_of_nothing(way: str) -> None:
    """The same 404, byte for byte, although its owner has warmed it; and its name may be one's own."""
    grace, ada = person(), person(way)
    theirs = grace.make("Secret")
    assert [grace.data(f"/{theirs['id']}") for _ in range(2)] == [theirs] * 2
    for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
        answer, missing = (ada.send(method, f"/{number}", body) for number in (theirs["id"], 999_999))
        assert (answer.status_code, answer.content) == (404, missing.content)
        assert "ETag" not in answer
    assert ada.data()["total"] == 0
    assert ada.make("Secret")["id"] != theirs["id"]
    assert grace.data(f"/{theirs['id']}") == theirs


def test_staff_see_their_own_alone() -> None:
    """Over REST; in the admin they see all."""
    theirs = person().make("Secret")
    staff = person()
    staff.user.is_staff = staff.user.is_superuser = True
    staff.user.save()
    assert staff.data()["total"] == 0
    for method in ("GET", "PATCH", "DELETE"):
        assert staff.send(method, f"/{theirs['id']}", {}).status_code == 404


@pytest.mark.parametrize("number", [0, 2**63 - 1, 2**63, 10**30])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_numbers_that_no_row_has_are_404(method: str, number: int) -> None:
    """Those that no database could keep too."""
    assert person().send(method, f"/{number}", {"name": "One"}).status_code == 404


def test_a_session_needs_its_token_to_write() -> None:
    """What another site's form sends changes nothing."""
    ada = person("session", checks=True)
    mine = Aura.objects.create(user=ada.user, name="Mine")
    writes = [("POST", CREATE), ("PATCH", f"/{mine.pk}"), ("DELETE", f"/{mine.pk}")]
    for method, path in writes:
        assert ada.send(method, path, {"name": "One"}).status_code == 403
    assert ada.names() == ["Mine"]
    ada.client.get("/accounts/")
    token = ada.client.cookies["csrftoken"].value
    assert ada.send("POST", CREATE, {"name": "One"}, **{"X-CSRFToken": token}).status_code == 201


def test_a_key_that_may_read_writes_nothing() -> None:
    """403, and nothing is changed."""
    reader = person("key", scopes=("read",))
    mine = Aura.objects.create(user=reader.user, name="Mine")
    for method, path in (("POST", CREATE), ("PATCH", f"/{mine.pk}"), ("DELETE", f"/{mine.pk}")):
        assert reader.send(method, path, {"name": "One"}).status_code == 403
    assert reader.names() == ["Mine"]


def test_strangers_get_nothing() -> None:
    """401 on every route."""
    theirs = person().make("Secret")
    nobody = Person(None, person().client)
    for method, path in (("GET", ""), ("POST", CREATE), ("GET", f"/{theirs['id']}"), ("PATCH", f"/{theirs['id']}")):
        assert nobody.send(method, path, {}).status_code == 401


@pytest.mark.parametrize("field", ["id", "user", "user_id", "created_at", "updated_at", "owner"])
def test_nobody_writes_what_is_not_theirs_to_write(field: str) -> None:
    """Refused by name."""
    ada = person()
    made = ada.make("One")
    for method, path in (("POST", CREATE), ("PATCH", f"/{made['id']}")):
        answer = ada.send(method, path, {"name": "Two", field: 1})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert ada.data()["items"] == [made]


HOSTILE = {
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "cut": '{"name": ',
    "no name": "{}",
    "spaces": '{"name": " \\t "}',
    "a list as name": '{"name": ["One"]}',
    "a number as settings": '{"name": "One", "settings": 1}',
    "true": '{"name": true, "settings": true}',
    "NUL": '{"name": "a\\u0000"}',
    "half a pair": '{"name": "\\ud800"}',
    "bidi": '{"name": "a\\u202eb"}',
    "no width": '{"name": "a\\u200bb"}',
    "two lines": '{"name": "a\\nb"}',
    "long": json.dumps({"name": "x" * 81}),
    "long when composed": json.dumps({"name": "\u0958" * 80}),
    "megabytes": json.dumps({"name": "x" * 10_000_000}),
    "a kind of markup": '{"name": "One", "kind": "<script>"}',
    "a long kind": json.dumps({"name": "One", "kind": "x" * 41}),
    "a description of two lines": '{"name": "One", "description": "a\\nb"}',
    "a long description": json.dumps({"name": "One", "description": "x" * 501}),
    "large settings": json.dumps({"name": "One", "settings": {"a": "x" * 4096}}),
    "deep settings": '{"name": "One", "settings": {"a": ' + "[" * 20 + "]" * 20 + "}}",
    "deeper": '{"name": "One", "settings": {"a": ' + "[" * 5000 + "]" * 5000 + "}}",
    "digits in settings": json.dumps({"name": "One", "settings": {"a": 10**400}}),
    "NUL in settings": '{"name": "One", "settings": {"a": "\\u0000"}}',
    "half a pair in settings": '{"name": "One", "settings": {"\\ud800": 1}}',
    "infinite settings": '{"name": "One", "settings": {"a": 1e999}}',
    "a prototype": '{"name": "One", "__proto__": {"is_staff": true}}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_json_is_a_short_problem(body: str) -> None:
    """400, nothing stored, nothing sent back at length; no new name either."""
    ada = person()
    mine = Aura.objects.create(user=ada.user, name="Mine")
    for method, path in (("POST", CREATE), ("PATCH", f"/{mine.pk}")):
        if method == "PATCH" and body in ("{}", ""):
            continue  # changes nothing
        answer = ada.send(method, path, body)
        assert answer.status_code == 400, (method, answer.content[:300])
        assert answer["Content-Type"] == "application/problem+json"
        assert len(answer.content) < 2000
    assert ada.names() == ["Mine"]


def test_odd_names_are_kept_as_they_are() -> None:
    """What is text is text: the lock's name and the entry's bear it."""
    ada = person()
    names = ["<b>'\"&", "{aura:1}:x*?[", "日本語 🜲", "../../x", "%00", "x" * 80]
    for name in names:
        number = ada.make(name)["id"]
        assert ada.send("POST", CREATE, {"name": name}).json()["existing_id"] == number
    assert ada.names() == names[::-1]


def test_ten_megabytes_are_refused_before_they_come(site: SiteFactory) -> None:
    """By what is announced; the site goes on."""
    running = site(workers=1)
    address = urlsplit(running.url)
    token = running.client.post("/api/auth/token", json={"username": "ada", "password": "a-password-for-tests"})
    headers = {"Authorization": f"Bearer {token.json()['access']}"}
    head = (
        f"POST /api/auras{CREATE} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {headers['Authorization']}\r\n"
        "Content-Type: application/json\r\nContent-Length: 10000000\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(f'{head}{{"name": "'.encode())
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer
    assert running.client.get("/api/auras", headers=headers).json()["data"]["total"] == 0
