"""Coming back from a platform: in the browser and by program, with what may come back."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from connectors.models import AuthorizationRequest, PlatformConnection
from tests.integration.connectors.people import CALLBACK, HTML, Person, Way, assert_problem
from tests.integration.connectors.platforms import consent, state_of
from tests.integration.dashboard.markup import parse
from tests.services.sandbox import SandboxUnderTest

# In the browser


def come_back(way: Way, given: dict[str, str], **headers: str) -> HttpResponse:
    """What a browser gets that the platform has sent back."""
    return way.get(CALLBACK, given, Accept=HTML, **headers)


def test_a_browser_is_sent_to_the_page(platforms: SandboxUnderTest, person: Person) -> None:
    """By 303, to a fixed address, with a message for the page to show."""
    given = consent(platforms, person.session.begin("tunebox"))
    answer = come_back(person.session, {**given, "next": "https://evil.example/", "scope": "ignored"})
    assert (answer.status_code, answer["Location"]) == (303, reverse("connectors:page"))
    assert [str(message) for message in get_messages(answer.wsgi_request)] == ["Tunebox is connected."]
    assert answer["Cache-Control"] == "no-store"
    assert person.state("tunebox")["connected"] is True


def test_who_takes_another_account_is_told_what_that_deletes(platforms: SandboxUnderTest, person: Person) -> None:
    """Disconnecting says so beforehand; here it is the platform that asks which account."""
    come_back(person.session, consent(platforms, person.session.begin("tunebox"), account="ada"))
    answer = come_back(person.session, consent(platforms, person.session.begin("tunebox"), account="grace"))
    said = [str(message) for message in get_messages(answer.wsgi_request)][-1]
    assert said == "Tunebox is connected with another account. What was extracted from Ada Winter is deleted."


def test_a_program_that_gets_the_callback_is_answered_in_json(platforms: SandboxUnderTest, person: Person) -> None:
    """Whoever does not ask for HTML, and whoever comes with a credential of a program."""
    for way, accept in (("session", "*/*"), ("token", HTML), ("key", HTML)):
        given = consent(platforms, person.ways[way].begin("tunebox"))
        answer = person.ways[way].get(CALLBACK, given, Accept=accept)
        assert answer.status_code == 200, answer.content
        assert answer.json()["data"]["status"] == "connected"


def test_a_failure_in_the_browser_is_a_page(person: Person) -> None:
    """With the status of the problem, and a way back."""
    answer = come_back(person.session, {"code": "x", "state": "y"})
    assert answer.status_code == 400
    page = parse(answer.content.decode())
    assert page.only("h1").text == "Not connected"
    assert "belongs to nothing that was begun here" in page.only("main").text
    assert reverse("connectors:page") in {
        link.attributes["href"] for link in page.only("main").walk() if link.name == "a"
    }
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"


def test_a_browser_that_nobody_is_signed_in_in_is_told_to_begin_anew(
    platforms: SandboxUnderTest, person: Person
) -> None:
    """401 as a page with a link to sign in; the code stays unused, and the state with it."""
    given = consent(platforms, person.session.begin("tunebox"))
    answer = come_back(Way(Client(), {}), given)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"]
    text = answer.content.decode()
    assert "begin the connection anew" in parse(text).only("main").text

    links = {link.attributes["href"] for link in parse(text).only("main").walk() if link.name == "a"}
    assert "/accounts/login/?next=%2Fconnectors%2F" in links
    assert not any(given[name] in text for name in ("code", "state"))
    assert AuthorizationRequest.objects.count() == 1


def test_a_stranger_is_no_one_elses_program(person: Person) -> None:
    """Without credentials and without HTML it is a problem response."""
    assert_problem(Client().get(CALLBACK, {"code": "x", "state": "y"}), 401)
    assert_problem(Client().get(CALLBACK, headers={"Authorization": "Bearer x", "Accept": HTML}), 401)


def test_a_browser_that_accepts_nothing_but_html_gets_it(person: Person) -> None:
    """The API's renderer is of JSON alone, which is no reason for a 406."""
    answer = person.session.get(CALLBACK, {"code": "x", "state": "y"}, Accept="text/html")
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_looking_ahead_spends_nothing(platforms: SandboxUnderTest, person: Person) -> None:
    """HEAD is refused, so that what it is asked for is still there for the GET."""
    given = consent(platforms, person.session.begin("tunebox"))
    looked = person.session.client.head(CALLBACK, given, headers={"Accept": HTML})
    assert looked.status_code == 405
    assert "HEAD" not in looked["Allow"]
    assert come_back(person.session, given).status_code == 303


def test_a_forged_post_with_a_session_is_refused(person: Person) -> None:
    """CSRF protection is on for whoever comes with a cookie."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person.user)
    way = Way(strict, {})
    for path in ("/api/connectors/tunebox/authorize", CALLBACK, f"/api/connectors/reset/{person.id}"):
        assert_problem(way.post(path, {}), 403)
    assert_problem(way.delete(f"/api/connectors/tunebox/{person.id}"), 403)
    assert_problem(way.post(f"/api/connectors/tunebox/{person.id}/extract"), 403)


# What the platform says


@pytest.mark.parametrize("way", ["session", "token"])
def test_who_declines_is_told_so_and_the_state_is_spent(platforms: SandboxUnderTest, person: Person, way: str) -> None:
    """Nothing is connected, and the same answer does not work again."""
    given = consent(platforms, person.ways[way].begin("tunebox"), decision="deny")
    assert given["error"] == "access_denied"
    first = person.ways[way].get(CALLBACK, given)
    assert "You did not allow it at Tunebox" in assert_problem(first, 400)["detail"]
    again = assert_problem(person.ways[way].get(CALLBACK, given), 400)
    assert again["type"] == "urn:problem:callback-refused"
    assert not PlatformConnection.objects.exists()


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        ("access_denied", 400, "You did not allow it"),
        ("invalid_scope", 400, "(invalid_scope)"),
        ("server_error", 502, "(server_error)"),
        ("temporarily_unavailable", 503, "(temporarily_unavailable)"),
        ("<b>call 555 now</b>", 400, "Tunebox refused the connection, so"),
        ("consent_required", 400, "Tunebox refused the connection, so"),
    ],
)
def test_only_known_errors_are_shown(person: Person, error: str, status: int, said: str) -> None:
    """Others are somebody's text; error_description is nobody's business."""
    state = state_of(person.session.begin("tunebox"))
    given = {
        "error": error,
        "state": state,
        "error_description": "Send money to 555",
        "error_uri": "https://evil.example",
    }
    answer = come_back(person.session, given)
    text = answer.content.decode()
    assert answer.status_code == status
    assert said in parse(text).only("main").text
    assert "555" not in text
    assert "evil" not in text
    assert ("Retry-After" in answer) is (status == 503)


# What is sent

ODD: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({}, {"state"}),
    "no state": ({"code": "x"}, {"state"}),
    "no code": ({"state": "y"}, {"code"}),
    "an empty code": ({"code": "", "state": "y"}, {"code"}),
    "an empty state": ({"code": "x", "state": ""}, {"state"}),
    "both": ({"code": "x", "error": "access_denied", "state": "y"}, {"code"}),
    "a long code": ({"code": "x" * 2001, "state": "y"}, {"code"}),
    "a long state": ({"code": "x", "state": "y" * 201}, {"state"}),
    "a long issuer": ({"code": "x", "state": "y", "iss": "z" * 501}, {"iss"}),
    "a long error": ({"error": "x" * 101, "state": "y"}, {"error"}),
    "control characters": ({"code": "x\r\ny", "state": "y\x00"}, {"code", "state"}),
    "a line's end": ({"code": "x\n", "state": "y"}, {"code"}),
    "letters of other scripts": ({"code": "ключ", "state": "y"}, {"code"}),
    "a script": ({"code": "<script>alert(1)</script>" * 100, "state": "y"}, {"code"}),
}


@pytest.mark.parametrize(("given", "wrong"), ODD.values(), ids=ODD.keys())
def test_odd_callbacks_are_refused_by_field(
    platforms: SandboxUnderTest, person: Person, given: dict[str, str], wrong: set[str]
) -> None:
    """By POST and by GET, and as a page; what was sent is not repeated."""
    for answer in (person.session.finish(given), person.session.get(CALLBACK, given)):
        assert answer.status_code == 400
        assert answer.json()["errors"].keys() == wrong
        assert len(answer.content) < 500
    page = person.session.get(CALLBACK, given, Accept=HTML)
    assert (page.status_code, page["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert b"alert(1)" not in page.content
    assert platforms.calls()["oauth"] == 0


@pytest.mark.parametrize("name", ["code", "state", "iss", "error"])
def test_a_parameter_that_is_there_twice_is_refused(platforms: SandboxUnderTest, person: Person, name: str) -> None:
    """RFC 6749, 3.1: which of them counts is nobody's guess; the state stays good for the real answer."""
    given = consent(platforms, person.session.begin("tunebox"))
    twice = person.session.get(CALLBACK, {**given, name: [given.get(name, "x"), "other"]})
    assert twice.status_code == 400
    assert twice.json()["errors"].keys() == {name}
    assert person.session.get(CALLBACK, given).status_code == 200


@pytest.mark.parametrize(
    "body", [[], "null", "7", {"code": ["x"], "state": {}}, {"code": "x", "state": "y", "next": "https://evil.example"}]
)
def test_bodies_that_say_something_else_are_refused(person: Person, body: object) -> None:
    """As a 400 with the fields; one that is not known is refused by name."""
    answer = person.token.post(CALLBACK, body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert "errors" in answer.json()
