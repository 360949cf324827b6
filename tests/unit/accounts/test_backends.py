"""Checking passwords: a few at a time, the others in their turn, and no password in a report of what failed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import hashers
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter

from accounts import backends
from accounts.attempts import refusal_of
from accounts.backends import IdentityBackend
from accounts.models import User
from accounts.turns import Turns
from cache_platform import statistics
from cache_platform.inventory import report
from cache_platform.stores.memory import MemoryStore
from cache_platform.testing import isolated_cache
from tests.services.waiting import wait_until

PASSWORD = "correct horse 42 staple"
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def store() -> Iterator[MemoryStore]:
    """An empty store for each test."""
    statistics.counters.forget()
    with isolated_cache() as memory:
        yield memory


def slots(store: MemoryStore) -> int:
    """How many attempts are held against anybody."""
    with store._lock:
        return sum(map(len, store._logs.values()))


def asked() -> HttpRequest:
    """A request."""
    return RequestFactory().post("/", REMOTE_ADDR="192.0.2.1")


class Crowd:
    """People who ask for a check at once; inside it, each stays until `go`."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.go = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def hashing(self, *_: object, **__: object) -> None:
        """In place of Django's own check, which is what costs."""
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        assert self.go.wait(PATIENCE)
        with self._lock:
            self.inside -= 1

    def asks(self, times: int, ask: Callable[[int], object]) -> None:
        """So many at once, each in a thread."""
        self._threads = [threading.Thread(target=ask, args=(number,)) for number in range(times)]
        for thread in self._threads:
            thread.start()

    def leaves(self) -> None:
        """Let all be served, and wait for them."""
        self.go.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture
def turns() -> Turns:
    """As many as the site's, and this test's own."""
    return Turns()


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch, turns: Turns) -> Iterator[Crowd]:
    """Nobody yet."""
    crowd = Crowd()
    monkeypatch.setattr(ModelBackend, "authenticate", crowd.hashing)
    monkeypatch.setattr("accounts.backends.turns", turns)
    yield crowd
    crowd.leaves()


def test_two_passwords_are_hashed_at_a_time_and_the_sixty_first_is_told_to_come_again(
    crowd: Crowd, turns: Turns, store: MemoryStore
) -> None:
    """Its attempt is not held against it; those who wait are served in their turn."""
    backend, refused = IdentityBackend(), list[object]()

    def ask(number: int) -> None:
        request = asked()
        assert backend.authenticate(request, username=f"user{number}", password="x") is None
        refused.append(refusal_of(request))

    crowd.asks(60, ask)
    wait_until(lambda: slots(store) == 2 * 60 and crowd.inside == 2, what="all are waiting")
    wait_until(lambda: turns._places._value == 0, what="no place is left")
    request = asked()
    with pytest.raises(PermissionDenied, match="at once"):
        backend.authenticate(request, username="one-more", password="x")
    refusal = refusal_of(request)
    assert refusal is not None
    assert (refusal.retry_after, refusal.slot, slots(store)) == (2, None, 2 * 60)
    crowd.leaves()
    assert (crowd.most, refused) == (2, [None] * 60)
    assert backend.authenticate(asked(), username="one-more", password="x") is None


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody's turn but this test's: no place is left to wait in."""
    monkeypatch.setattr("accounts.backends.turns", Turns(most=0))


Way = Callable[[Client], Any]
WAYS: dict[str, Way] = {
    "form": lambda client: client.post("/accounts/login/", {"username": "mary", "password": PASSWORD}),
    "admin": lambda client: client.post("/admin/login/?next=/admin/", {"username": "mary", "password": PASSWORD}),
    "token": lambda client: client.post(
        "/api/auth/token", {"username": "mary", "password": PASSWORD}, content_type="application/json"
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("way", list(WAYS))
def test_who_is_one_too_many_is_told_when_to_come_again(full: None, store: MemoryStore, way: str) -> None:
    """In two seconds, as a 429; not how many attempts are left, since that is not why, and no attempt was made."""
    User.objects.create_user("mary", password=PASSWORD, is_staff=True)
    with mock.patch.object(hashers, "check_password") as checked:
        answer = WAYS[way](Client())
    assert (answer.status_code, answer["Retry-After"]) == (429, "2")
    assert "Try again in 2 s" in answer.content.decode()
    assert "RateLimit" not in answer
    assert "RateLimit-Policy" not in answer
    assert PASSWORD not in answer.content.decode()
    assert (checked.called, slots(store)) == (False, 0)
    found = next(each for each in report("5m", timestamp="now")["limits"] if each["name"] == "auth")
    assert (found["admitted"], found["refused"], found["given_back"]) == (1, 0, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["authenticate", "aauthenticate"])
@pytest.mark.parametrize("failing", ["begin_attempt", "end_well"], ids=["before the check", "after it"])
def test_a_report_of_a_failure_does_not_tell_the_password(
    monkeypatch: pytest.MonkeyPatch, way: str, failing: str
) -> None:
    """Error pages and mails show the variables of all frames, those of the thread's too."""
    User.objects.create_user("mary", password=PASSWORD)

    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(backends, failing, fail)
    backend, request = IdentityBackend(), asked()

    async def check() -> None:
        await backend.aauthenticate(request, username="mary", password=PASSWORD)

    try:
        if way == "authenticate":
            backend.authenticate(request, username="mary", password=PASSWORD)
        else:
            async_to_sync(check)()
    except ZeroDivisionError:
        shown = ExceptionReporter(request, *sys.exc_info())
    for text in (shown.get_traceback_html(), shown.get_traceback_text()):
        assert "on purpose" in text
        assert PASSWORD not in text
