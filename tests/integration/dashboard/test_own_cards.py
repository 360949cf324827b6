"""The cards of the signed-in: their platforms and their subscription. Nobody else's, and none that harms another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.subscriptions import read_subscription
from cache_platform.testing import isolated_cache
from connectors.models import PlatformConnection
from connectors.states import read_status
from dashboard import cards, views
from tests.integration.accounts.credentials import new_user
from tests.integration.dashboard.conftest import Visit
from tests.integration.dashboard.test_security import ATTACK, check_markup

pytestmark = pytest.mark.django_db

OWN = ("platforms", "subscription")


@pytest.fixture(autouse=True)
def cache() -> Iterator[None]:
    """A cache of its own."""
    with isolated_cache():
        yield


def member(client: Client, **connection: Any) -> User:
    """Somebody who is signed in, with Tunebox connected, and with what the cards show in the cache: the cards are read
    in threads, which do not see what a test has not committed."""
    user = new_user()
    given = {"status": "connected", "account_name": "Ada L.", "connected_at": timezone.now()}
    PlatformConnection.objects.create(user=user, provider="tunebox", **{**given, **connection})
    client.force_login(user)
    read_status(user.pk)
    read_subscription(user_id=user.pk)
    return user


def test_the_signed_in_see_their_platforms_and_their_subscription(visit: Callable[..., Visit], client: Client) -> None:
    """Each platform with its state in words, and the way to change it."""
    member(client, status="needs_reauth")
    page = visit()
    assert "Tunebox Ada L. Sign-in needed" in page.text("platforms")
    assert "Daybook Not connected" in page.text("platforms")
    assert "Connect a platform" in page.text("platforms")
    assert "Free" in page.text("subscription")
    assert "0 of 100" in page.text("subscription")
    assert not page.page.all(class_="card invitation")
    links = {link.attributes["href"] for link in page.page.only(id="platforms").walk() if link.name == "a"}
    assert {"/connectors/", "/connectors/#platform-tunebox"} <= links
    check_markup(page)


def test_from_the_cache_they_cost_no_query_and_no_load(
    visit: Callable[..., Visit],
    client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In no thread: the loaders are not called."""

    def load(user_id: int) -> None:
        raise AssertionError("loaded")

    member(client)
    visit()
    monkeypatch.setattr("connectors.states.load_status", load)
    monkeypatch.setattr("accounts.subscriptions.load_subscription", load)
    with django_assert_num_queries(0):
        page = visit()
        fragments = [visit(f"/cards/{name}") for name in OWN]
    assert [page.state(name) for name in OWN] == ["cached", "cached"]
    assert [found.state(name) for found, name in zip(fragments, OWN, strict=True)] == ["cached", "cached"]


def test_a_stranger_is_invited_to_sign_in(
    visit: Callable[..., Visit], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """At no cost; whoever has signed out meanwhile is shown the page anew."""
    with django_assert_num_queries(0):
        page = visit()
        assert "Sign in" in page.page.only("section", class_="card invitation").text
        for name in OWN:
            assert not page.page.all(id=name)
            answer = visit(f"/cards/{name}").response
            assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")


def test_where_nobody_can_tell_who_is_signed_in_nobody_is_invited(
    visit: Callable[..., Visit], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other cards are there, and the page asks again later."""

    def away(session: str) -> None:
        raise OperationalError

    client.force_login(new_user())
    monkeypatch.setattr("accounts.sessions.cached_db.load_session", away)
    page = visit()
    assert page.state("weather") == page.state("news") == "fresh"
    assert not page.page.all(class_="card invitation")
    assert not page.page.all(id="platforms")
    assert visit("/cards/platforms").response.status_code == 503


@pytest.mark.parametrize("broken", OWN)
def test_a_card_that_cannot_be_read_harms_no_other(
    visit: Callable[..., Visit],
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    broken: str,
) -> None:
    """It says that it is our fault, and the log says what."""

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("the database is away")

    member(client)
    monkeypatch.setattr(cards, {"platforms": "read_status", "subscription": "read_subscription"}[broken], away)
    page = visit()
    states = {name: page.state(name) for name in ("weather", "news", *OWN)}
    good = {"weather": "fresh", "news": "fresh", "platforms": "cached", "subscription": "cached"}
    assert states == good | {broken: "error"}
    assert "Something went wrong on our side; it has been logged." in page.text(broken)
    assert page.page.only(id=f"{broken}-retry").attributes["hx-get"] == f"/cards/{broken}"
    assert "the database is away" in caplog.text


def test_a_card_that_takes_too_long_follows(
    visit: Callable[..., Visit], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page does not wait for it."""
    member(client)
    answered, read = threading.Event(), cards.read_status
    monkeypatch.setattr(cards, "read_status", lambda user_id: answered.wait(60) and read(user_id))
    monkeypatch.setattr(views, "PAGE_PATIENCE", 0.2)
    try:
        page = visit()
    finally:
        answered.set()
    assert page.state("platforms") == "late"
    assert "The database takes longer than usual." in page.text("platforms")
    assert page.page.only(id="platforms").attributes["hx-trigger"] == "load, refresh"


def test_a_card_alone_is_the_card_of_the_page(visit: Callable[..., Visit], client: Client) -> None:
    """Same element, same id, so it can be swapped for itself; kept by nobody else."""
    member(client)
    page = visit()
    for name in OWN:
        fragment = visit(f"/cards/{name}")
        assert not fragment.page.all("html")
        assert fragment.page.only("section", id=name).attributes == page.page.only("section", id=name).attributes
        assert fragment.text(name) == page.text(name)
        assert fragment.response["Cache-Control"] == "private, no-cache"
        assert "Cookie" in fragment.response["Vary"]


def test_two_people_never_see_each_others_cards(visit: Callable[..., Visit]) -> None:
    """In turns, with everything cached."""
    people = [(Client(), name) for name in ("Ada", "Grace")]
    for client, name in people:
        member(client, account_name=f"account of {name}")
    for _ in range(2):
        for (client, name), (_, other) in zip(people, reversed(people), strict=True):
            for address in ("/", "/cards/platforms"):
                response = client.get(address)
                html = (response.getvalue() if response.streaming else response.content).decode()
                assert f"account of {name}" in html
                assert f"account of {other}" not in html


def test_what_platforms_say_is_text(visit: Callable[..., Visit], client: Client) -> None:
    """And cannot stand for a card."""
    member(client, account_name=ATTACK)
    page = visit()
    check_markup(page)
    assert ATTACK in page.text("platforms")
    assert page.html.rstrip().endswith("</html>")
