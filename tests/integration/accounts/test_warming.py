"""What is read right after a sign-in is there already."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from cache_platform.testing import failing_store
from tests.integration.accounts.browser import Browser
from tests.integration.accounts.credentials import empty_redis, new_user  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]


def test_the_first_reads_after_a_sign_in_are_hits() -> None:
    """Profile, subscription and the user; the sign-in itself read them in one batch."""
    user = new_user(first_name="Ada")
    browser = Browser().get("/accounts/login/")
    with failing_store("none") as store:
        browser.send(username=user.username, password="correct horse 42 staple")
    fills = [number for number, name in enumerate(store.calls) if name == "fill"]
    assert fills
    for path in ("/api/profile", "/api/subscription"):
        assert browser.client.get(path).json()["cached"] is True


def test_a_sign_in_does_not_need_its_warming(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loader that fails costs the warming and nothing else."""
    user = new_user()
    monkeypatch.setattr("accounts.profiles.Profile.objects.filter", None)
    assert Browser().sign_in(user).client.get("/api/subscription").json()["cached"] is True


def test_a_refused_sign_in_warms_nothing() -> None:
    """Nobody signed in."""
    user = new_user()
    Client().post("/accounts/login/", {"username": user.username, "password": "wrong"})
    assert get_user_model().objects.get(pk=user.pk).last_login is None
