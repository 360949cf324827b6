"""The user's page in the admin: profile and subscription on it, by the same rules as everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import Profile, Subscription, User
from cache_platform.testing import isolated_cache

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cache() -> Iterator[None]:
    """An empty cache for each test."""
    with isolated_cache():
        yield


@pytest.fixture
def mary() -> User:
    """Whose page it is."""
    return User.objects.create_user("mary", first_name="Mary")


@pytest.fixture
def client(mary: User) -> Client:
    """A browser in which Mary is signed in."""
    return signed_in(mary)


@pytest.fixture
def admin() -> Client:
    """A browser in which a superuser is signed in."""
    return signed_in(User.objects.create_superuser("root", "", "a-secret"))


def signed_in(user: User) -> Client:
    """A browser in which `user` is signed in."""
    browser = Client()
    browser.force_login(user)
    return browser


def path_of(user: User) -> str:
    """The address of a user's page."""
    return f"/admin/accounts/user/{user.pk}/change/"


def form_of(user: User, **changes: Any) -> dict[str, Any]:
    """What a browser sends from the user's page, with `changes`; `profile__avatar` is the avatar on it."""
    profile = Profile.objects.filter(user=user).first()
    subscription = Subscription.objects.filter(user=user).first()
    data: dict[str, Any] = {
        "username": user.username,
        "first_name": user.first_name,
        "is_active": "on",
        "date_joined_0": user.date_joined.date(),
        "date_joined_1": user.date_joined.time(),
        **inline("profile", user, profile, display_name="", avatar="", settings="{}"),
        **inline("subscription", user, subscription, plan="free", status="active", limits="{}", usage="{}"),
    }
    for name, value in changes.items():
        prefix, _, field = name.partition("__")
        data[f"{prefix}-0-{field}" if field else name] = value
    return data


def inline(prefix: str, user: User, row: Any, **blank: str) -> dict[str, Any]:
    """The part of the form for a row of another table; `blank` is what it says without one."""
    management = {
        f"{prefix}-TOTAL_FORMS": 1,
        f"{prefix}-INITIAL_FORMS": int(row is not None),
        f"{prefix}-0-user": user.pk,
    }
    return {
        **management,
        f"{prefix}-0-id": row.pk if row else "",
        **{f"{prefix}-0-{name}": blank[name] for name in blank},
    }


def test_profile_and_subscription_are_on_the_users_page(admin: Client, mary: User) -> None:
    """And on the page of a new user neither."""
    page = admin.get(path_of(mary)).content.decode()
    assert "profile-0-display_name" in page
    assert "subscription-0-plan" in page
    assert "profile-0-display_name" not in admin.get("/admin/accounts/user/add/").content.decode()


def test_a_user_is_added_without_them(admin: Client) -> None:
    """They are made at their first change."""
    form = {"username": "percy", "usable_password": "false", "password1": "", "password2": ""}
    assert admin.post("/admin/accounts/user/add/", form).status_code == 302
    assert not Profile.objects.filter(user__username="percy").exists()
    assert User.objects.get(username="percy").session_nonce


def test_a_change_shows_in_the_next_read(admin: Client, client: Client, mary: User) -> None:
    """Both are made by it, although the defaults were cached a moment ago."""
    assert client.get("/api/profile").json()["data"]["display_name"] == "Mary"
    assert client.get("/api/subscription").json()["data"]["plan"] == "free"
    form = form_of(mary, profile__display_name="By staff", subscription__plan="team")
    assert admin.post(path_of(mary), form).status_code == 302
    assert client.get("/api/profile").json()["data"]["display_name"] == "By staff"
    assert client.get("/api/subscription").json()["data"]["plan"] == "team"


def test_deactivating_a_user_ends_the_users_session(admin: Client, client: Client, mary: User) -> None:
    """With the next request."""
    assert client.get("/api/profile").status_code == 200
    form = form_of(mary)
    del form["is_active"]
    assert admin.post(path_of(mary), form).status_code == 302
    assert client.get("/api/profile").status_code == 401


@pytest.mark.parametrize("emptied", ["", "null", "[]"])
def test_fields_that_were_emptied_are_empty(admin: Client, mary: User, emptied: str) -> None:
    """Not NULL, which the columns refuse."""
    Profile.objects.create(user=mary, display_name="M.", settings={"a": 1})
    Subscription.objects.create(user=mary, plan="pro", limits={"auras": 7}, usage={"auras": 1})
    form = form_of(mary, profile__settings=emptied, subscription__limits=emptied, subscription__usage=emptied)
    assert admin.post(path_of(mary), form).status_code == 302
    assert Profile.objects.get().settings == {}
    assert (Subscription.objects.get().limits, Subscription.objects.get().usage) == ({}, {})


def test_what_the_api_refuses_is_refused_here(admin: Client, mary: User) -> None:
    """The rules are the models'."""
    form = form_of(
        mary,
        profile__display_name="a\u2028b",
        profile__avatar="javascript:alert(1)",
        profile__settings="[1]",
        subscription__limits='{"auras": "many"}',
        subscription__usage='{"auras": -1}',
    )
    answer = admin.post(path_of(mary), form)
    assert answer.status_code == 200
    profile, subscription = (inline.formset.errors[0] for inline in answer.context["inline_admin_formsets"])
    assert set(profile) == {"display_name", "avatar", "settings"}
    assert set(subscription) == {"limits", "usage"}


def test_markup_in_a_profile_is_shown_as_text(admin: Client, mary: User) -> None:
    """Here as everywhere."""
    Profile.objects.create(user=mary, display_name='"><script>alert(1)</script>')
    assert "<script>alert" not in admin.get(path_of(mary)).content.decode()
