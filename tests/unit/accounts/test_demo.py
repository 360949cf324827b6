"""The demo accounts and who decides on their passwords."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.demo import DEMO_PROFILES, DEMO_SUBSCRIPTIONS, DEMO_USERS, create_demo_details, create_demo_users
from accounts.models import Profile, Subscription, User
from accounts.subscriptions import load_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def accounts(db: None) -> None:
    """The accounts of the migration; made again if a test with transactions of its own has emptied the database."""
    create_demo_users(User)


CHOSEN, GIVEN = "chosen-by-somebody", "given-to-the-site"


@pytest.fixture
def changed(settings: Any) -> User:
    """The demo account `ada`, whose password somebody changed; DEMO_PASSWORD is another one."""
    settings.DEMO_PASSWORD = GIVEN
    ada = User.objects.get(username="ada")
    ada.set_password(CHOSEN)
    ada.save()
    return ada


def test_a_password_that_was_given_is_set_on_all(changed: User) -> None:
    """DEMO_PASSWORD is the operator's word, at each start."""
    call_command("demo_accounts")
    assert all(User.objects.get(username=name).check_password(GIVEN) for name in ("ada", "grace", "admin"))


def test_a_password_that_was_made_up_replaces_none(changed: User) -> None:
    """It is for accounts that nobody could use yet."""
    call_command("demo_accounts", keep_passwords=True)
    changed.refresh_from_db()
    assert changed.check_password(CHOSEN)
    assert all(User.objects.get(username=name).check_password(GIVEN) for name in ("grace", "admin"))


def test_an_account_that_has_the_password_keeps_its_hash(changed: User) -> None:
    """A new hash would end its sessions."""
    call_command("demo_accounts")
    before = list(User.objects.order_by("username").values_list("password", flat=True))
    call_command("demo_accounts")
    assert list(User.objects.order_by("username").values_list("password", flat=True)) == before


def test_an_account_of_that_name_is_not_made_staff(changed: User) -> None:
    """On a database of one's own, `admin` may be somebody; nothing of that account is changed."""
    User.objects.filter(username="admin").delete()
    User.objects.create_user(username="admin", email="somebody@example.org", password=CHOSEN)
    call_command("demo_accounts", keep_passwords=True)
    somebody = User.objects.get(username="admin")
    assert (somebody.is_staff, somebody.is_superuser, somebody.email) == (False, False, "somebody@example.org")
    assert somebody.check_password(CHOSEN)


def test_without_a_password_nothing_is_done(settings: Any) -> None:
    """The line names the variable."""
    settings.DEMO_PASSWORD = None
    with pytest.raises(CommandError, match="DEMO_PASSWORD is not set"):
        call_command("demo_accounts")


def test_the_admin_greets_its_demo_account_by_its_user_name() -> None:
    """Django takes the first name where there is one, and nobody is called Site."""
    admin = User.objects.get(username="admin")
    assert (admin.get_short_name() or admin.get_username()) == "admin"


def test_the_demo_accounts_get_a_profile_and_a_subscription(changed: User) -> None:
    """Each its own, by the models' rules, within the limits; a paid one with most of its period left."""
    call_command("demo_accounts")
    for username, _, _ in DEMO_USERS:
        user = User.objects.select_related("profile", "subscription").get(username=username)
        user.profile.full_clean()
        user.subscription.full_clean()
        assert user.profile.display_name == DEMO_PROFILES[username]["display_name"]
        state = load_subscription(user.pk)
        assert state is not None
        assert state.plan == DEMO_SUBSCRIPTIONS[username]["plan"]
        assert (state.period_end is None) is (state.plan == "free")
        assert state.usage.keys() == state.limits.keys()
        assert all(state.usage[name] <= limit for name, limit in state.limits.items())


def test_details_that_somebody_changed_stay(changed: User) -> None:
    """At each start of the site."""
    create_demo_details()
    Profile.objects.update(display_name="Countess")
    Subscription.objects.update(plan="team")
    create_demo_details()
    assert set(Profile.objects.values_list("display_name", flat=True)) == {"Countess"}
    assert set(Subscription.objects.values_list("plan", flat=True)) == {"team"}


def test_an_account_of_that_name_gets_no_details(changed: User) -> None:
    """On a database of one's own, `ada` may be somebody."""
    User.objects.filter(username="ada").update(email="ada@example.org")
    create_demo_details()
    assert not Profile.objects.filter(user__username="ada").exists()
    assert not Subscription.objects.filter(user__username="ada").exists()
