"""The assistant's routes against people who want what is not theirs, and bodies that mean ill."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from assistant.conversations import append, begin
from assistant.models import Conversation, Document, Message, Persona, Preference
from tests.integration.accounts.credentials import PASSWORD, empty_redis, make_key, new_user, sign_in
from tests.integration.assistant.callers import WAYS, Caller, caller
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]
HUGE = 2**63


@pytest.fixture(autouse=True)
def quiet(empty_redis: RedisUnderTest, transactional_db: None, settings: Any) -> None:
    """A database without the demo personas, an empty Redis, and no limit in the way."""
    Persona.objects.all().delete()
    limits = {**settings.CACHE_PLATFORM["RATE_LIMITS"], "upload": "1000/60s", "search": "1000/60s"}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": limits}


@pytest.fixture
def theirs() -> dict[str, int]:
    """Numbers of what somebody else has, whose reads are warm."""
    grace = caller()
    talk = begin(grace.user.pk, persona_id=None, title="Grace's")
    append(talk, role="user", content="Grace's secret")
    numbers = {
        "persona": grace.post("personas", {"name": "Grace's"})["id"],
        "conversation": talk.pk,
        "document": grace.post("documents", {"name": "grace.txt", "text": "Grace's"})["id"],
    }
    for path in (f"personas/{numbers['persona']}", f"conversations/{talk.pk}/messages"):
        assert [grace.get(path).status_code for _ in range(2)] == [200, 200]
    return numbers


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("staff", [False, True])
def test_anothers_numbers_are_as_those_of_nothing(theirs: dict[str, int], way: str, staff: bool) -> None:
    """The same 404, byte for byte, on every route; staff see personas, may not change them, and see nothing else."""
    ada = caller(way, staff=staff, may=("change_persona", "delete_persona", "view_persona"))
    asked = [
        ("GET", "personas/{persona}", None),
        ("PATCH", "personas/{persona}", {"name": "Mine"}),
        ("DELETE", "personas/{persona}", None),
        ("GET", "conversations/{conversation}/messages", None),
        ("DELETE", "conversations/{conversation}", None),
        ("DELETE", "documents/{document}", None),
    ]
    nothing = dict.fromkeys(theirs, 999_999)
    for method, path, body in asked:
        answer = ada.send(method, path.format(**theirs), body)
        missing = ada.send(method, path.format(**nothing), body)
        assert missing.status_code == 404
        if staff and "personas" in path:
            assert answer.status_code == (200 if method == "GET" else 403)
        else:
            assert (answer.status_code, answer.content) == (404, missing.content), (method, path)
            assert "ETag" not in answer
    assert Persona.objects.get(pk=theirs["persona"]).name == "Grace's"
    assert Document.objects.filter(pk=theirs["document"]).exists()
    for path in ("conversations", "documents"):
        assert ada.data(path)["total"] == 0


@pytest.mark.parametrize("number", [0, HUGE - 1, HUGE, 10**30])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "personas/{}"),
        ("PATCH", "personas/{}"),
        ("DELETE", "personas/{}"),
        ("GET", "conversations/{}/messages"),
        ("DELETE", "documents/{}"),
    ],
)
def test_numbers_that_no_row_has_are_404(method: str, path: str, number: int) -> None:
    """Those that no database could keep too."""
    assert caller().send(method, path.format(number), {}).status_code == 404


RIGHTS: list[tuple[bool, tuple[str, ...], int, int]] = [
    (False, (), 403, 403),
    (False, ("change_persona", "delete_persona"), 403, 403),
    (True, (), 403, 403),
    (True, ("view_persona",), 403, 403),
    (True, ("change_persona",), 200, 403),
    (True, ("delete_persona",), 403, 200),
    (True, ("change_persona", "delete_persona"), 200, 200),
]


@pytest.mark.parametrize(("staff", "may", "changing", "deleting"), RIGHTS)
def test_system_wide_personas_are_changed_by_staff_who_may(
    staff: bool, may: tuple[str, ...], changing: int, deleting: int
) -> None:
    """Looking at all is not a right to change."""
    shared = Persona.objects.create(name="Helper")
    somebody = caller(staff=staff, may=may)
    path = f"personas/{shared.pk}"
    assert somebody.get(path).status_code == 200
    assert somebody.send("PATCH", path, {"name": "Changed"}).status_code == changing
    assert somebody.data(path)["name"] == ("Changed" if changing == 200 else "Helper")
    assert somebody.send("DELETE", path).status_code == deleting
    assert Persona.objects.filter(pk=shared.pk).exists() is (deleting != 200)


def test_a_right_that_was_taken_away_is_gone_at_once() -> None:
    """For the next request."""
    shared = Persona.objects.create(name="Helper")
    staff = caller(staff=True, may=("change_persona",))
    assert staff.send("PATCH", f"personas/{shared.pk}", {"name": "A"}).status_code == 200
    staff.user.user_permissions.clear()
    assert staff.send("PATCH", f"personas/{shared.pk}", {"name": "B"}).status_code == 403


@pytest.mark.parametrize("field", ["id", "version", "created_by", "created_at", "audience", "user", "user_id"])
def test_nobody_writes_what_is_not_theirs_to_write(field: str) -> None:
    """A field that is not to be set is refused by name, on every body."""
    ada = caller()
    made = ada.post("personas", {"name": "Poet"})
    for method, path, body in (
        ("POST", "personas", {"name": "Other"}),
        ("PATCH", f"personas/{made['id']}", {}),
        ("PUT", "personas/preference", {}),
        ("POST", "conversations", {}),
        ("POST", "documents", {"name": "a.txt", "text": "x"}),
    ):
        answer = ada.send(method, path, {**body, field: 1})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert Persona.objects.count() == 1
    assert not Preference.objects.exists()


WRITES = [
    ("POST", "personas"),
    ("PATCH", "personas/1"),
    ("PUT", "personas/preference"),
    ("POST", "conversations"),
    ("POST", "documents"),
]
HOSTILE = {
    "null": "null",
    "a list": "[]",
    "a number": "1",
    "a text": '"name"',
    "cut": '{"name": ',
    "deep": '{"name":' + "[" * 5000 + "]" * 5000 + "}",
    "deep, of another kind": '{"a":' * 5000 + "1" + "}" * 5000,
    "not a number": '{"temperature": NaN}',
    "infinite": '{"temperature": 1e999, "name": 1e999, "title": 1e999, "text": 1e999}',
    "a number as text": '{"temperature": "nan", "persona_id": "1e5", "name": {"a": 1}, "title": []}',
    "digits": json.dumps({"temperature": 10**400, "persona_id": 10**400, "name": [], "title": {}}),
    "more digits": '{"temperature": 1' + "0" * 5000 + "}",
    "too large a number": '{"persona_id": 9223372036854775808, "name": null, "title": null}',
    "negative": '{"persona_id": -1, "temperature": -0.1, "name": "", "title": [1]}',
    "true": '{"persona_id": true, "temperature": true, "name": true, "title": true}',
    "NUL": '{"name": "a\\u0000", "title": "a\\u0000", "text": "a\\u0000", "persona_id": "\\u0000"}',
    "half a pair": '{"name": "\\ud800", "title": "\\udfff", "text": "\\ud800", "temperature": "\\ud800"}',
    "bidi": '{"name": "a\\u202eb", "title": "a\\u202eb", "temperature": [0]}',
    "long": json.dumps(dict.fromkeys(["name", "title", "description", "system_prompt", "persona_id"], "x" * 100_000)),
    "a thousand fields": json.dumps({f"f{number}": number for number in range(1000)}),
    "a prototype": '{"__proto__": {"is_staff": true}, "constructor": 1, "created_by": 1}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_json_is_a_short_problem(body: str) -> None:
    """400 by field, nothing stored, nothing sent back at length."""
    ada = caller()
    for method, path in WRITES:
        answer = ada.send(method, path, body)
        assert answer.status_code in {400, 404}, (method, path, answer.content[:300])
        assert answer["Content-Type"] == "application/problem+json"
        assert len(answer.content) < 3000
    assert not any(model.objects.exists() for model in (Persona, Conversation, Document, Preference))


@pytest.mark.parametrize(
    "number", ['"nan"', '"inf"', '"-inf"', "1e999", "1" + "0" * 400, "2.0001", "-0.1", "null", "[0]", "{}"]
)
def test_a_temperature_is_a_number_from_0_to_2(number: str) -> None:
    """Not what a float can be besides."""
    ada = caller()
    answer = ada.send("PUT", "personas/preference", f'{{"temperature": {number}}}')
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["temperature"])
    assert not Preference.objects.exists()


def test_bytes_that_are_not_utf8_are_a_problem() -> None:
    """JSON is UTF-8."""
    ada = caller()
    for method, path in WRITES:
        kind = "application/json; charset=utf-16"
        answer = ada.client.generic(method, f"/api/{path}", b'{"name": "\xff"}', content_type=kind, headers=ada.headers)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "query",
    ["page=0", "q=%00", "active=maybe", "created_by=ada", "ordering=created_by__password", "page=" + "9" * 5000],
)
def test_a_hostile_query_is_a_problem_and_stores_nothing(query: str, empty_redis: RedisUnderTest) -> None:
    """By field; no entry is made for it, also where it would be read ahead."""
    ada = caller()
    answer = ada.client.get(f"/api/personas?{query}", headers=ada.headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:problem:invalid-query")
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]
    with empty_redis.client() as redis:
        assert list(redis.scan_iter("cp:assistant.*")) == []


def test_a_key_that_may_read_writes_nothing() -> None:
    """403, and nothing stored."""
    signed_in = sign_in(Client())
    key = make_key(Client(), signed_in, scopes=["read"])["key"]
    reader = Caller(signed_in.user, Client(), {"X-API-Key": key})
    Persona.objects.create(name="Poet", created_by=signed_in.user)
    assert reader.names() == ["Poet"]
    number = Persona.objects.get().pk
    for method, path in [*WRITES, ("DELETE", f"personas/{number}"), ("PATCH", f"personas/{number}")]:
        assert reader.send(method, path, {"name": "a.txt", "text": "x"}).status_code == 403
    assert not any(model.objects.exists() for model in (Conversation, Document, Preference))


def test_a_session_needs_its_token_to_write() -> None:
    """What another site's form sends changes nothing, a form with a file included."""
    user = new_user()
    browser = Client(enforce_csrf_checks=True)
    assert browser.login(username=user.username, password=PASSWORD)
    visitor = Caller(user, browser)
    for method, path in WRITES:
        assert visitor.send(method, path, {"name": "a.txt", "text": "x"}).status_code == 403
    assert visitor.upload("a.txt", b"x").status_code == 403
    assert not any(model.objects.exists() for model in (Persona, Conversation, Document, Preference))


@pytest.mark.parametrize("place", ["header", "form"])
def test_a_session_with_its_token_uploads(place: str) -> None:
    """The token in a header or in the form, which is then read before anybody is known: it is bounded there too."""
    user = new_user()
    browser = Client(enforce_csrf_checks=True)
    assert browser.login(username=user.username, password=PASSWORD)
    browser.get("/accounts/")
    token = browser.cookies["csrftoken"].value
    visitor = Caller(user, browser, {"X-CSRFToken": token} if place == "header" else {})
    field = f'form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n--xxBOUNDARYxx\r\nContent-Disposition: '.encode()
    file = b'form-data; name="file"; filename="a.txt"'
    given = file if place == "header" else field + file
    assert visitor.upload("", b"x" * (256 * 1024 + 1), given=given).status_code == 413
    assert visitor.upload("", b"\xff", given=given).status_code == 400
    assert visitor.upload("", b"x", given=given).status_code == 201


def test_filters_of_the_admin_do_not_help_to_read_what_people_say() -> None:
    """Neither from the users' page nor from that of personas."""
    ada = caller()
    talk = begin(ada.user.pk, persona_id=None, title="Talk")
    Message.objects.create(conversation=talk, role="user", content="secret")
    admin = Client()
    admin.force_login(new_user(is_staff=True, is_superuser=True))
    for lookup in ("conversations__title", "documents__text", "conversations__messages__content"):
        assert admin.get(f"/admin/accounts/user/?{lookup}__startswith=s").status_code == 400
    assert admin.get("/admin/assistant/persona/?created_by__password__startswith=m").status_code == 400
    page = admin.get(f"/admin/accounts/user/{ada.user.pk}/delete/").content.decode()
    assert "conversation" in page
    assert "Talk" not in page
    assert "secret" not in page


def test_a_gigabyte_is_refused_before_it_comes(site: SiteFactory) -> None:
    """By what is announced: the body need not even be sent, and nothing of it is on a disk."""
    running = site(workers=1)
    address = urlsplit(running.url)
    folder = Path(running.environment["VAR_DIR"])
    before = {path for path in folder.rglob("*") if "site.sqlite3" not in path.name}
    token = running.client.post("/api/auth/token", json={"username": "ada", "password": "a-password-for-tests"})
    head = (
        f"POST /api/documents HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token.json()['access']}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {1024**3}\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="file"; filename="big.txt"\r\n\r\n'
    )
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(head.encode())
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer
    headers = {"Authorization": f"Bearer {token.json()['access']}"}
    assert running.client.get("/api/documents", headers=headers).json()["data"]["total"] == 0
    assert {path for path in folder.rglob("*") if "site.sqlite3" not in path.name} == before
