"""The coarse guard on what forms send."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django_ratelimit.core import _split_rate

from accounts.pages import guard
from cache_platform.stores.connection import get_breaker
from tests.integration.accounts.browser import Browser
from tests.integration.accounts.credentials import PASSWORD, empty_redis, new_user  # noqa: F401
from tests.services.redis import RedisUnderTest

pytestmark = pytest.mark.django_db

FORMS = [
    ("/accounts/login/", {"username": "nobody", "password": "wrong"}),
    ("/admin/login/", {"username": "nobody", "password": "wrong"}),
    ("/accounts/", {"do": "profile", "display_name": "Ada"}),
    ("/accounts/", {"do": "plan", "plan": "team"}),
    ("/accounts/password/", {"old_password": ""}),
    ("/accounts/sessions/", {"do": "end", "session": "x"}),
    ("/accounts/api-keys/", {"do": "revoke", "key": "1"}),
    ("/connectors/", {"do": "disconnect", "provider": "x"}),
    ("/assistant/", {"do": "nothing"}),
]


class Clock(SimpleNamespace):
    """What django-ratelimit goes by, standing still, so that no edge of a window comes by chance."""

    now: float = 1_700_000_000.5

    def time(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Three in a minute, by a clock that a test moves."""
    found = Clock()
    monkeypatch.setattr("django_ratelimit.core.time", found)
    monkeypatch.setattr(guard, "RATE", (3, 60))
    return found


@pytest.fixture
def client() -> Client:
    """A browser in which somebody is signed in."""
    client = Client()
    client.force_login(new_user())
    return client


def sent(client: Client, form: tuple[str, dict[str, str]] = FORMS[0], **meta: str) -> Any:
    """The answer to a form."""
    return client.post(*form, **meta)


def passes(response: HttpResponse) -> bool:
    """Whether the form was looked at."""
    assert response.status_code in {200, 302, 303, 429}
    return response.status_code != 429


def wait_of(response: HttpResponse) -> int:
    """Seconds, of a refusal by the guard."""
    assert response.status_code == 429
    assert "That was too much at once" in response.content.decode()
    return int(response["Retry-After"])


def test_an_office_may_sign_in_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred people behind one address, each with two mistakes; django-ratelimit reads the rate as it is meant."""
    monkeypatch.undo()
    assert _split_rate(guard.RATE) == (300, 60)


@pytest.mark.usefixtures("empty_redis")
class TestGuard:
    """With Redis."""

    @pytest.mark.parametrize("form", FORMS, ids=lambda form: "{}-{}".format(form[0], form[1].get("do", "")))
    def test_every_form_is_guarded(self, client: Client, form: tuple[str, dict[str, str]]) -> None:
        """The fourth in a minute is answered by a page that says when to send it again; looking is free."""
        for _ in range(3):
            assert passes(sent(client, form))
        refused = sent(client, form)
        wait = wait_of(refused)
        assert 0 < wait <= 61
        assert f"Try again in {wait} second" in refused.content.decode()
        assert refused["Cache-Control"] == "private, no-cache"
        for _ in range(5):
            assert client.get(form[0]).status_code in {200, 302}

    def test_the_forms_share_one_count(self, client: Client) -> None:
        """An address has three in all."""
        assert [passes(sent(client, form)) for form in FORMS[2:6]] == [True] * 3 + [False]

    def test_a_refused_form_does_nothing(self, client: Client) -> None:
        """Neither what it says nor a look at a password."""
        user = new_user()
        for _ in range(3):
            sent(client, FORMS[5])
        wait_of(sent(client, FORMS[6]))
        browser = Browser().get("/accounts/login/").send(username=user.username, password=PASSWORD)
        wait_of(browser.response)
        assert not browser.is_signed_in

    def test_another_address_has_its_own(self, client: Client, settings: Any) -> None:
        """As the site sees addresses: by the trusted hop, and IPv6 by its network."""
        settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "TRUSTED_PROXIES": 1}
        for number in range(3):
            sent(client, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}, 2001:db8::{number}")
        wait_of(sent(client, HTTP_X_FORWARDED_FOR="203.0.113.9, 2001:db8::9"))
        assert passes(sent(client, HTTP_X_FORWARDED_FOR="2001:db8:0:1::9"))
        assert passes(sent(client, HTTP_X_FORWARDED_FOR="2001:db8::9, 203.0.113.0"))

    def test_what_is_entered_does_not_count_as_an_address(self, client: Client) -> None:
        """Forms full of an address leave that address alone."""
        for _ in range(4):
            sent(client, ("/accounts/login/", {"username": "203.0.113.7", "password": "203.0.113.7"}))
        assert passes(sent(client, REMOTE_ADDR="203.0.113.7"))

    def test_a_retry_at_retry_after_passes_and_one_a_second_earlier_does_not(
        self, client: Client, clock: Clock
    ) -> None:
        """Wherever in its second the clock stands."""
        for _ in range(3):
            sent(client)
        wait = wait_of(sent(client))
        clock.now += wait - 1
        wait_of(sent(client))
        clock.now += 1
        assert passes(sent(client))

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("away", ["kill", "pause"])
    def test_forms_work_while_redis_is_away(self, client: Client, redis_cache: RedisUnderTest, away: str) -> None:
        """All of them: what is counted for an address is then unknown. Back with Redis, it counts again."""
        user = new_user()
        browser = Browser().get("/accounts/login/")
        getattr(redis_cache, away)()
        browser.send(username=user.username, password=PASSWORD)
        assert browser.client.get("/accounts/").status_code == 200
        for form in FORMS[2:]:
            assert passes(sent(client, form))
        redis_cache.resume() if away == "pause" else redis_cache.restart_empty()
        assert get_breaker("default").try_to_close()
        assert not [passes(sent(client)) for _ in range(5)][-1]

    def test_forms_work_while_redis_is_full(self, client: Client, redis_cache: RedisUnderTest) -> None:
        """It takes no count then."""
        with redis_cache.client() as raw:
            redis_cache.limit_memory(str(raw.info("memory")["used_memory"] // 2))
        for form in FORMS[2:]:
            assert passes(sent(client, form))

    def test_its_counts_end(self, client: Client, redis_cache: RedisUnderTest) -> None:
        """No key of it stays for ever."""
        sent(client)
        sent(client)
        with redis_cache.client() as raw:
            (key,) = [key for key in raw.keys("*") if b":rl:" in key]
            assert 0 < raw.ttl(key) <= 65


def test_the_guard_works_on_one_process_without_redis() -> None:
    """In its memory, as `runserver` runs."""
    caches["default"].clear()
    browser = Client()
    assert [sent(browser).status_code for _ in range(4)] == [200, 200, 200, 429]
    caches["default"].clear()


def test_its_system_checks_are_silent() -> None:
    """They would stop `runserver`, and warn of the backend that the site uses."""
    call_command("check", fail_level="WARNING")
