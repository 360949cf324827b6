"""What people and programs see of the limit on attempts at a password."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts import attempts
from accounts.models import User
from config.schema import document
from tests.integration.accounts.browser import Browser, described
from tests.integration.accounts.credentials import PASSWORD, empty_redis, new_user, post, sign_in  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

WORDS = re.compile(r"Too many attempts\. Try again in (\d+) seconds \(about 15 minutes\)\.")


@pytest.fixture
def user() -> User:
    """Somebody with an account."""
    return new_user()


def use_up(user: User) -> None:
    """Five wrong passwords."""
    for _ in range(5):
        assert token(Client(), user, "wrong").status_code == 401


def token(client: Client, user: User, password: str) -> HttpResponse:
    """The answer to somebody who asks for tokens."""
    return post(client, "/api/auth/token", {"username": user.username, "password": password})


def check_refusal(response: Any, words: str) -> None:
    """The status, and one number of seconds in header and text."""
    assert response.status_code == 429
    found = WORDS.search(words)
    assert found is not None, words
    assert found[1] == response["Retry-After"]
    assert 880 < int(found[1]) <= 900


class TestPages:
    """Without JavaScript."""

    def test_the_sign_in_page_says_when_to_try_again(self, user: User) -> None:
        """Tied to both fields, as any mistake is; the name stays, the password does not."""
        use_up(user)
        browser = Browser().get("/accounts/login/").send(username=user.username, password="wrong-horse")
        check_refusal(browser.response, browser.page.only(id="form-problem").text)
        for field in ("id_username", "id_password"):
            assert WORDS.search(described(browser, field))
            assert "aria-invalid" not in browser.page.only(id=field).attributes, "what was typed may be right"
        assert browser.page.only(id="form-problem").attributes["role"] == "alert"
        assert browser.page.only("title").text.startswith("Error: ")
        assert browser.page.only(id="id_username").attributes["value"] == user.username
        assert "correct username and password" not in browser.html
        assert "wrong-horse" not in browser.html
        assert "no-store" in browser.response["Cache-Control"]

    def test_a_right_password_is_refused_as_well(self, user: User) -> None:
        """Otherwise the limit would only slow down who is wrong."""
        use_up(user)
        browser = Browser().sign_in(user)
        assert browser.response.status_code == 429
        assert not browser.is_signed_in

    def test_the_admin_says_the_same(self, user: User) -> None:
        """With Django's own form and page."""
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
        use_up(user)
        browser = Browser().get("/admin/login/?next=/admin/")
        browser.send(username=user.username, password="wrong-horse")
        check_refusal(browser.response, browser.page.only("p", class_="errornote").text)
        assert browser.page.only(id="id_username").attributes["value"] == user.username
        assert "wrong-horse" not in browser.html

    @pytest.mark.parametrize("address", ["/accounts/login/", "/admin/login/?next=/admin/"])
    def test_a_form_takes_one_attempt(self, user: User, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        """It passes the limit once, whatever classes it is made of."""
        names: list[str] = []
        begin = attempts.begin_attempt
        monkeypatch.setattr(
            "accounts.backends.begin_attempt", lambda name, request: names.append(name) or begin(name, request)
        )
        browser = Browser().get(address).send(username=user.username, password="wrong")
        assert browser.response.status_code == 200
        assert "Retry-After" not in browser.response
        assert names == [user.username]

    def test_staff_sign_in_at_the_admin(self, user: User) -> None:
        """The site is still Django's."""
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
        browser = Browser().get("/admin/login/?next=/admin/").send(username=user.username, password=PASSWORD)
        assert (browser.address, browser.response.status_code) == ("/admin/", 200)
        assert "Users" in browser.html

    def test_the_admin_sends_to_the_accounts_page_for_a_new_password(self, user: User) -> None:
        """Its own form compares the old password past the limit."""
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
        browser = Browser().sign_in(user).get("/admin/password_change/")
        assert browser.address == "/accounts/password/"

    def test_the_password_page_says_it_beside_the_old_password(self, user: User) -> None:
        """Whose attempts are those of signing in."""
        browser = Browser().sign_in(user)
        use_up(user)
        browser.get("/accounts/password/")
        browser.send(old_password=PASSWORD, new_password1="another horse 43", new_password2="another horse 43")
        check_refusal(browser.response, described(browser, "id_old_password"))
        assert browser.response["Cache-Control"] == "no-store"
        assert PASSWORD not in browser.html
        user.refresh_from_db()
        assert user.check_password(PASSWORD)

    def test_wrong_old_passwords_use_the_attempts_up(self, user: User) -> None:
        """Who sits down at a browser that was left signed in cannot try without end."""
        browser = Browser().sign_in(user)
        codes = []
        for _ in range(6):
            browser.get("/accounts/password/")
            browser.send(old_password="wrong", new_password1="another horse 43", new_password2="another horse 43")
            codes.append(browser.response.status_code)
        assert codes == [200] * 5 + [429]
        assert token(Client(), user, PASSWORD).status_code == 429


class TestApi:
    """Headers and problems."""

    def test_each_answer_says_how_many_attempts_are_left(self, client: Client, user: User) -> None:
        """A right password takes none."""
        seen = []
        expected = [(401, 4), (200, 4), (401, 3), (401, 2), (401, 1), (401, 0), (429, 0)]
        for password in ("wrong", PASSWORD, "wrong", "wrong", "wrong", "wrong", PASSWORD):
            answer = token(client, user, password)
            assert answer["RateLimit-Policy"] == '"auth";q=5;w=900'
            kind, left = answer["RateLimit"].split(";")[:2]
            assert kind == '"auth"'
            seen.append((answer.status_code, left))
        assert seen == [(status, f"r={left}") for status, left in expected]

    def test_a_refusal_is_a_problem(self, client: Client, user: User) -> None:
        """Of a type by which programs know it, and not to be stored."""
        use_up(user)
        answer = token(client, user, PASSWORD)
        assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
        problem = answer.json()
        wait = int(answer["Retry-After"])
        assert (problem["type"], problem["status"]) == ("urn:problem:rate-limit", 429)
        assert problem["detail"] == f"Too many attempts. Try again in {wait} s."
        assert answer["RateLimit"] == f'"auth";r=0;t={wait}'
        assert answer["Cache-Control"] == "no-store"
        assert PASSWORD.encode() not in answer.content

    def test_the_old_password_has_the_same_attempts(self, client: Client) -> None:
        """And its answers say so."""
        signed_in = sign_in(client)
        seen = []
        for _ in range(6):
            answer = post(client, "/api/auth/password", {"old": "wrong", "new": "another horse 43"}, signed_in.bearer)
            seen.append((answer.status_code, answer["RateLimit"].split(";")[1]))
        assert seen == [(400, f"r={left}") for left in (4, 3, 2, 1, 0)] + [(429, "r=0")]
        assert answer.json()["type"] == "urn:problem:rate-limit"
        assert token(client, signed_in.user, PASSWORD).status_code == 429

    def test_a_changed_password_says_it_too(self, client: Client) -> None:
        """With the slot given back."""
        signed_in = sign_in(client)
        answer = post(client, "/api/auth/password", {"old": PASSWORD, "new": "another horse 43"}, signed_in.bearer)
        assert answer.status_code == 200
        assert answer["RateLimit"].startswith('"auth";r=5;')

    def test_a_body_without_a_password_takes_no_attempt(self, client: Client, user: User) -> None:
        """And so nothing is said of them."""
        for _ in range(6):
            answer = post(client, "/api/auth/token", {"username": user.username})
            assert answer.status_code == 400
            assert "RateLimit" not in answer
        assert token(client, user, PASSWORD)["RateLimit"].startswith('"auth";r=5;')

    @pytest.mark.parametrize("path", ["/api/auth/token", "/api/auth/password"])
    def test_the_schema_says_429(self, path: str) -> None:
        """As a problem."""
        responses = document()["paths"][path]["post"]["responses"]
        assert list(responses["429"]["content"]) == ["application/problem+json"]
