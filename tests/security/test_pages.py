"""The pages of the signed-in under attack: other sites' forms and links, what people write, and what errors would
tell."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.signals import got_request_exception
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.views.debug import ExceptionReporter

from accounts.api_keys import make_key
from accounts.models import ApiKey, Profile, Session, User
from accounts.sessions.cached_db import SessionStore
from cache_platform.testing import isolated_cache
from connectors.models import AuthorizationRequest, ExtractionJob, PlatformConnection
from tests.integration.accounts.browser import FIREFOX, Browser
from tests.integration.accounts.credentials import PASSWORD, new_user
from tests.integration.dashboard.conftest import Visit
from tests.integration.dashboard.test_security import ATTACK, check_markup
from tests.services.redis import RedisUnderTest

pytestmark = pytest.mark.django_db

PAGES = [
    "/accounts/", "/accounts/password/", "/accounts/sessions/", "/accounts/api-keys/", "/connectors/", "/assistant/",
]  # fmt: skip
NEW_PASSWORD = "another horse 43 staple"
FORMS = [
    ("/accounts/", {"do": "profile", "display_name": "Mallory"}),
    ("/accounts/", {"do": "plan", "plan": "team"}),
    ("/accounts/password/", {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}),
    ("/accounts/sessions/", {"do": "end-all"}),
    ("/accounts/api-keys/", {"do": "create", "name": "Mallory's", "scopes": ["write"], "lifetime": "never"}),
    ("/accounts/logout/", {}),
    ("/connectors/", {"do": "connect", "provider": "tunebox"}),
    ("/connectors/", {"do": "extract", "provider": "daybook"}),
    ("/connectors/", {"do": "disconnect", "provider": "daybook"}),
    ("/connectors/", {"do": "reset"}),
    ("/assistant/", {"do": "ask", "message": "Why?"}),
]


@pytest.fixture
def user() -> User:
    """Somebody with an account."""
    return new_user(first_name="Ada")


@pytest.fixture
def browser(user: User) -> Browser:
    """A browser in which `user` is signed in."""
    return Browser().sign_in(user)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that any logger says, `django`'s too, which does not pass it on."""
    django = logging.getLogger("django")
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "django"):
        django.addHandler(caplog.handler)
        yield caplog
        django.removeHandler(caplog.handler)


class TestForgedRequests:
    """What another site can make a signed-in browser send."""

    @pytest.mark.parametrize(("address", "fields"), FORMS)
    def test_a_form_of_another_site_does_nothing(
        self, browser: Browser, user: User, address: str, fields: dict[str, Any]
    ) -> None:
        """Without the token of this browser it is refused, on a page of ours."""
        PlatformConnection.objects.create(user=user, provider="daybook", status="connected")
        before = list(Session.objects.values_list("pk", "session_data"))
        answer = browser.client.post(address, fields)
        assert answer.status_code == 403
        assert b"Please send that again" in answer.content
        check_markup(Visit(answer, answer.content.decode()))
        user.refresh_from_db()
        assert user.check_password(PASSWORD)
        assert not Profile.objects.exists()
        assert not ApiKey.objects.exists()
        assert PlatformConnection.objects.get().status == "connected"
        assert not AuthorizationRequest.objects.exists()
        assert not ExtractionJob.objects.exists()
        assert list(Session.objects.values_list("pk", "session_data")) == before

    def test_a_stranger_cannot_be_signed_in_by_another_site(self, user: User) -> None:
        """As somebody else, to collect what is then entered."""
        client = Client(enforce_csrf_checks=True)
        answer = client.post("/accounts/login/", {"username": user.username, "password": PASSWORD})
        assert answer.status_code == 403
        assert "sessionid" not in client.cookies

    def test_the_session_cookie_stays_at_home(self, browser: Browser) -> None:
        """Scripts cannot read it, and other sites' forms do not carry it."""
        cookie = browser.client.cookies["sessionid"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"

    def test_signing_in_takes_a_new_session(self, user: User) -> None:
        """One that somebody planted in the browser before is not the one that is signed in (session fixation)."""
        planted = SessionStore()
        planted["something"] = 1
        planted.create()
        victim, thief = Browser(), Browser()
        victim.client.cookies["sessionid"] = thief.client.cookies["sessionid"] = planted.session_key
        victim.sign_in(user)
        assert victim.is_signed_in
        assert victim.client.cookies["sessionid"].value != planted.session_key
        assert not thief.is_signed_in


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "\\\\evil.example/",
        "/\\evil.example/",
        "https:evil.example",
        "http://testserver@evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        " //evil.example",
        "\t//evil.example",
    ],
)
def test_signing_in_leads_to_no_other_site(user: User, target: str) -> None:
    """Whatever `next` says, in the address or in the form, and also for those who are signed in already."""
    client = Client(headers={"user-agent": FIREFOX})
    form = {"username": user.username, "password": PASSWORD, "next": target}
    assert client.get(f"/accounts/login/?next={quote(target)}").context["next"] == ""
    assert client.post("/accounts/login/", form)["Location"] == "/"
    assert client.get(f"/accounts/login/?next={quote(target)}")["Location"] == "/"
    assert client.post("/accounts/logout/", {"next": target})["Location"] == "/"


@pytest.mark.parametrize("address", PAGES)
def test_the_pages_are_for_the_signed_in_alone(address: str) -> None:
    """Both for looking and for changing; a key or a token in a header opens none."""
    _, key = make_key(new_user(), name="a key", scopes=["read", "write"])
    for method in ("get", "post"):
        answer = getattr(Client(), method)(address, headers={"X-API-Key": key.text})
        assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={address}")


@pytest.mark.parametrize("address", PAGES)
def test_no_cache_keeps_a_page(browser: Browser, address: str) -> None:
    """Neither one that is shared nor, where passwords are entered, the browser's own."""
    response = browser.get(address).response
    assert response["Cache-Control"] == ("no-store" if address == "/accounts/password/" else "private, no-cache")
    assert "Cookie" in response["Vary"]
    assert "no-store" in Client().get("/accounts/login/")["Cache-Control"]
    assert "private, no-cache" in Client().get(address)["Cache-Control"]


@pytest.mark.parametrize("address", ["/accounts/login/", *PAGES])
def test_the_content_security_policy_is_kept(user: User, address: str) -> None:
    """No inline code or style, on a page full of what people wrote."""
    browser = Browser() if address == "/accounts/login/" else Browser().sign_in(user)
    visited = browser.get(address)
    check_markup(Visit(visited.response, visited.html))
    policy = visited.response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "form-action 'self'" in policy
    assert visited.response["X-Frame-Options"] == "DENY"


def test_what_people_write_is_text(user: User) -> None:
    """Names, keys, addresses and browsers, wherever they are shown."""
    User.objects.filter(pk=user.pk).update(first_name=ATTACK, email=ATTACK)
    Profile.objects.create(user=user, display_name=ATTACK, avatar=ATTACK)
    make_key(user, name=ATTACK, scopes=["read"])
    browser = Browser().sign_in(user)
    Session.objects.update(user_agent=ATTACK, address=ATTACK[:45])
    for address in PAGES:
        visited = browser.get(address)
        check_markup(Visit(visited.response, visited.html))
        assert visited.page.only(class_="menu-name").text == ATTACK
    assert browser.get("/accounts/").page.only("h1").text == ATTACK
    assert browser.page.only(id="id_avatar").attributes["value"] == ATTACK
    browser.send("profile", avatar=ATTACK)
    check_markup(Visit(browser.response, browser.html))


def test_two_people_never_see_each_others_pages() -> None:
    """With everything cached, in turns, and with the other's id in the address."""
    people = [new_user(first_name=name, email=f"{name}@example.invalid") for name in ("Ada", "Grace")]
    with isolated_cache():
        browsers = [Browser().sign_in(person) for person in people]
        for person in people:
            make_key(person, name=f"key of {person.first_name}", scopes=["read"])
            account = f"{person.first_name} at Tunebox"
            PlatformConnection.objects.create(user=person, provider="tunebox", status="connected", account_name=account)
        for _ in range(2):
            for browser, person, other in zip(browsers, people, reversed(people), strict=True):
                for address in PAGES:
                    browser.get(f"{address}?user_id={other.pk}&user={other.username}")
                    assert person.first_name in browser.html
                    assert other.first_name not in browser.html
                    assert other.username not in browser.html


class TestSecrets:
    """Passwords and keys: in the form and in its answer, and nowhere else."""

    @pytest.fixture
    def redis(self, redis_cache: RedisUnderTest, settings: Any) -> RedisUnderTest:
        """A Redis whose entries can be searched as they are."""
        settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "COMPRESS_MIN_BYTES": 2**30}
        return redis_cache

    @pytest.mark.django_db(transaction=True)
    def test_a_new_key_is_kept_nowhere(
        self, redis: RedisUnderTest, logged: pytest.LogCaptureFixture, user: User
    ) -> None:
        """Not in the database, Redis, a log, a cookie, a message or an address."""
        browser = Browser().sign_in(user)
        assert user.username in dump_of_redis(redis)  # so what is there would be found
        browser.get("/accounts/api-keys/").send("create", name="Backup")
        secret = browser.page.only(id="new-key").text.split("_")[2]
        browser.get("/accounts/api-keys/").get("/accounts/sessions/")
        assert secret not in browser.html
        assert secret not in dump_of_database()
        assert secret not in dump_of_redis(redis)
        assert secret not in logged.text
        assert secret not in str(browser.client.cookies)
        assert CookieStorage.cookie_name not in browser.client.cookies

    @pytest.mark.django_db(transaction=True)
    def test_no_session_key_or_password_is_kept(
        self, redis: RedisUnderTest, logged: pytest.LogCaptureFixture, user: User
    ) -> None:
        """Neither the old ones nor the new ones."""
        browser = Browser().get("/accounts/login/").send(username=user.username, password="wrong-horse-staple")
        browser.sign_in(user)
        secrets = [PASSWORD, NEW_PASSWORD, "wrong-horse-staple", browser.client.cookies["sessionid"].value]
        browser.get("/accounts/password/")
        browser.send(old_password=PASSWORD, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
        secrets.append(browser.client.cookies["sessionid"].value)
        browser.get("/accounts/")
        assert user.username in dump_of_redis(redis)  # so what is there would be found
        assert user.username in dump_of_database()
        for secret in secrets:
            assert secret not in dump_of_database()
            assert secret not in dump_of_redis(redis)
            assert secret not in logged.text
            assert secret not in browser.html

    @pytest.mark.parametrize("broken", ["accounts.models.User.save", "accounts.passwords.authenticate"])
    def test_an_error_report_hides_the_passwords(
        self, browser: Browser, reports: list[str], monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        """With all variables of all frames, as it is sent to those who run the site."""
        browser.get("/accounts/password/")
        monkeypatch.setattr(broken, None)
        browser.send(old_password=PASSWORD, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
        assert browser.response.status_code == 500
        assert "is not callable" in reports[0]
        for secret in (PASSWORD, NEW_PASSWORD):
            assert secret not in reports[0]
            assert secret not in browser.html

    @pytest.mark.parametrize(
        "broken", ["django.contrib.auth.forms.authenticate", "accounts.models.User.objects.get_by_natural_key"]
    )
    def test_an_error_report_of_a_sign_in_hides_the_password(
        self, user: User, reports: list[str], monkeypatch: pytest.MonkeyPatch, broken: str
    ) -> None:
        """The database is away, for example."""
        monkeypatch.setattr(broken, None)
        browser = Browser().sign_in(user)
        assert browser.response.status_code == 500
        assert "is not callable" in reports[0]
        assert PASSWORD not in reports[0]

    @pytest.mark.parametrize("address", ["/accounts/login/", "/admin/login/", "/accounts/password/"])
    def test_an_error_report_of_the_guard_hides_the_password(
        self, browser: Browser, reports: list[str], monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        """It looks at forms before the views do, which say that theirs are secret."""
        monkeypatch.setattr("django_ratelimit.core._get_window", None)
        other = browser if address == "/accounts/password/" else Browser()
        other.get(address)
        token = other.client.cookies["csrftoken"].value
        fields = {"username": "ada", "password": PASSWORD, "old_password": PASSWORD, "csrfmiddlewaretoken": token}
        assert other.client.post(address, fields).status_code == 500
        assert "is not callable" in reports[0]
        assert PASSWORD not in reports[0]

    @pytest.mark.parametrize("debug", [False, True])
    def test_an_error_report_hides_a_new_key(
        self, browser: Browser, reports: list[str], monkeypatch: pytest.MonkeyPatch, settings: Any, debug: bool
    ) -> None:
        """One that was made when its page could not be; not even developers are shown it."""
        made = []

        def remembered(*args: Any, **kwargs: Any) -> Any:
            made.append(make_key(*args, **kwargs))
            return made[0]

        settings.DEBUG = debug
        browser.get("/accounts/api-keys/")
        monkeypatch.setattr("accounts.pages.api_keys.make_key", remembered)
        monkeypatch.setattr("accounts.pages.frame.render", out_of_order)
        browser.send("create", name="Backup")
        assert browser.response.status_code == 500
        assert "OutOfOrder" in reports[0]
        assert made[0][1].text.split("_")[2] not in reports[0]


class OutOfOrder(Exception):
    """What goes wrong in these tests."""


def out_of_order(*args: object, **kwargs: object) -> None:
    """Whatever it replaces, it fails."""
    raise OutOfOrder


@pytest.fixture
def reports() -> Iterator[list[str]]:
    """The reports of errors that no view caught, with all that Django's reporter knows of them."""
    found: list[str] = []

    def report(request: HttpRequest, **kwargs: object) -> None:
        found.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())

    got_request_exception.connect(report)
    yield found
    got_request_exception.disconnect(report)


def dump_of_database() -> str:
    """All that is in all tables, and what is inside the sessions."""
    rows = [repr(session.get_decoded()) for session in Session.objects.all()]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            rows.append(repr(cursor.fetchall()))
    return "\n".join(rows)


def dump_of_redis(server: RedisUnderTest) -> str:
    """All keys and all that is under them."""
    read = {b"string": "get", b"hash": "hgetall", b"zset": "zrange", b"set": "smembers", b"list": "lrange"}
    with server.client() as client:
        found = []
        for key in client.scan_iter():
            kind = client.type(key)
            bounds = (0, -1) if kind in {b"zset", b"list"} else ()
            found.append((key, getattr(client, read[kind])(key, *bounds)))
    return repr(found)
