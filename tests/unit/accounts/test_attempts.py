"""The limit on attempts at a password, in the way that every check of one goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate, hashers
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest
from django.test import Client, RequestFactory

from accounts.attempts import attempt_of, begin_attempt, one_spelling, refusal_of
from accounts.models import User
from accounts.passwords import TooManyAttempts, check_password_of
from cache_platform.stores.memory import MemoryStore
from cache_platform.testing import FakeClock, failing_store, isolated_cache

pytestmark = pytest.mark.django_db

START = 1_700_000_000_000
PASSWORD = "correct horse 42 staple"
LIMIT = 5


@pytest.fixture
def clock() -> FakeClock:
    """The store's."""
    return FakeClock(START)


@pytest.fixture(autouse=True)
def store(clock: FakeClock) -> Iterator[MemoryStore]:
    """An empty store for each test."""
    with isolated_cache(clock) as memory:
        yield memory


@pytest.fixture
def user() -> User:
    """Somebody with PASSWORD."""
    return User.objects.create_user("mary", password=PASSWORD)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that are hashed from now on."""
    seen: list[str] = []
    encode = hashers.MD5PasswordHasher.encode

    def counted(self: Any, password: str, *args: Any) -> str:
        seen.append(password)
        return encode(self, password, *args)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counted)
    return seen


def asked(address: str = "192.0.2.1") -> HttpRequest:
    """A request from that address."""
    return RequestFactory().post("/", REMOTE_ADDR=address)


def wrong(times: int, name: str = "mary", address: str = "192.0.2.1") -> list[bool]:
    """So many wrong passwords; whether each was looked at."""
    requests = [asked(address) for _ in range(times)]
    for request in requests:
        assert authenticate(request, username=name, password="wrong") is None
    return [refusal_of(request) is None for request in requests]


def test_the_sixth_wrong_password_is_not_looked_at(user: User, hashed: list[str]) -> None:
    """Nor a right one after it, and nothing is hashed for either."""
    assert wrong(6) == [True] * 5 + [False]
    assert len(hashed) == LIMIT
    request = asked()
    assert authenticate(request, username="mary", password=PASSWORD) is None
    assert len(hashed) == LIMIT
    with pytest.raises(TooManyAttempts) as refused:
        check_password_of("mary", PASSWORD, request)
    assert refused.value.decision.kind == "auth"
    assert refused.value.decision.retry_after == 900


@pytest.mark.parametrize("name", ["mary", "nobody-has-this-name"])
def test_whether_there_is_such_an_account_makes_no_difference(user: User, hashed: list[str], name: str) -> None:
    """Neither to how many attempts there are, nor to what each costs."""
    assert wrong(7, name) == [True] * 5 + [False] * 2
    assert hashed == ["wrong"] * 5


def test_other_accounts_and_other_addresses_have_attempts_of_their_own(user: User) -> None:
    """The limit is for the two together."""
    wrong(5)
    assert wrong(1) == [False]
    assert wrong(1, "john") == [True]
    assert wrong(1, address="192.0.2.2") == [True]


def test_an_address_has_a_hundred_attempts_at_all_accounts(user: User) -> None:
    """Who tries one password at many accounts is stopped too."""
    assert all(wrong(1, f"user{number}") == [True] for number in range(100))
    request = asked()
    assert authenticate(request, username="mary", password=PASSWORD) is None
    refusal = refusal_of(request)
    assert refusal is not None
    assert (refusal.kind, refusal.limit) == ("auth_address", 100)
    assert wrong(1, address="192.0.2.2") == [True]


def test_right_passwords_take_no_attempts(user: User) -> None:
    """Twenty in a row, with four wrong ones before them."""
    assert wrong(4) == [True] * 4
    for _ in range(20):
        request = asked()
        assert authenticate(request, username="mary", password=PASSWORD) == user
        attempt = attempt_of(request)
        assert attempt is not None
        assert (attempt.allowed, attempt.remaining) == (True, 1)
    assert wrong(2) == [True, False]


def test_the_right_password_of_an_inactive_user_takes_one(user: User) -> None:
    """As a wrong one does: the answer must not tell that it was right."""
    User.objects.update(is_active=False)
    for _ in range(5):
        assert authenticate(asked(), username="mary", password=PASSWORD) is None
    assert wrong(1) == [False]


def test_attempts_come_back_when_the_window_has_passed(user: User, clock: FakeClock) -> None:
    """At the moment that the refusal named, and not before."""
    wrong(5)
    clock.advance(899)
    assert wrong(1) == [False]
    clock.advance(1)
    assert wrong(1) == [True]


def test_a_check_that_breaks_keeps_its_slot(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise whatever makes hashing fail would let passwords be tried without end."""
    with monkeypatch.context() as patch:
        patch.setattr(hashers.MD5PasswordHasher, "encode", None)
        for _ in range(5):
            with pytest.raises(TypeError):
                authenticate(asked(), username="mary", password="wrong")
    assert wrong(1) == [False]


class Anybody(BaseBackend):
    """A backend that lets everybody in."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User:  # type: ignore[override]
        """Somebody, whoever asks."""
        return User.objects.get(username="mary")


def test_no_other_backend_is_asked_after_a_refusal(user: User, settings: Any) -> None:
    """The limit holds for the site, whatever stands behind it."""
    wrong(5)
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, f"{__name__}.Anybody"]
    assert authenticate(asked(), username="mary", password="wrong") is None
    assert authenticate(asked(), username="john", password="wrong") == user


def test_the_asynchronous_way_is_limited_too(user: User, settings: Any) -> None:
    """Django's own would look the user up by itself."""
    attempts = [asked() for _ in range(6)]
    for request in attempts:
        assert async_to_sync(aauthenticate)(request, username="john", password="wrong") is None
    assert [refusal_of(request) is None for request in attempts] == [True] * 5 + [False]


def test_checks_without_a_request_share_one_address(user: User) -> None:
    """And Django's test client, whose request knows of none, is one of them."""
    for _ in range(5):
        assert authenticate(username="mary", password="wrong") is None
    assert authenticate(username="mary", password=PASSWORD) is None
    assert not Client().login(username="mary", password=PASSWORD)
    assert wrong(1) == [True]


def test_what_is_no_attempt_takes_none(user: User) -> None:
    """Credentials of another kind are for other backends."""
    request = asked()
    assert authenticate(request, username="mary") is None
    assert authenticate(request, password="x") is None
    assert attempt_of(request) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mary", "\uff4d\uff41\uff52\uff59"),
        ("mary", "MARY"),
        ("stra\u00dfe", "STRASSE"),
        ("\u00e9va", "e\u0301va"),
        ("\u1e9b\u0323", "\u1e69"),
    ],
    ids=["full width", "capitals", "sharp s", "accents", "a long s with dots"],
)
def test_spellings_of_one_name_share_its_attempts(one: str, other: str) -> None:
    """Forms normalize what is entered, the API does not."""
    assert one_spelling(one) == one_spelling(other)
    for name in (one, other, one, other, one):
        assert begin_attempt(name, asked()).allowed
    assert not begin_attempt(other, asked()).allowed


@pytest.mark.parametrize("name", ["x" * 100_000, "\ufdfa" * 100_000], ids=["long", "grows when normalized"])
def test_names_without_end_cost_no_more(name: str) -> None:
    """No account is called so."""
    assert len(one_spelling(name)) <= 150 * 18


def test_a_name_that_looks_like_an_address_is_no_address(user: User) -> None:
    """Neither the address of that text nor an account of that name elsewhere is limited by it."""
    for _ in range(5):
        begin_attempt("203.0.113.7", asked())
        begin_attempt("ip:203.0.113.7", asked())
    assert wrong(1, "203.0.113.7") == [False]
    assert wrong(1, address="203.0.113.7") == [True]
    assert wrong(1, "203.0.113.7", address="203.0.113.7") == [True]


def test_without_redis_the_process_decides_by_itself(user: User, settings: Any) -> None:
    """By its share of the limit, and right passwords still take nothing of it."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "WEB_PROCESSES": 2}
    with failing_store("take", "give_back"):
        for _ in range(5):
            assert authenticate(asked(), username="mary", password=PASSWORD) == user
        assert wrong(3) == [True, True, False]
