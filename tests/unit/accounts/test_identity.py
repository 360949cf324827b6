"""Identities: a user without a query, and never an old one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from accounts.backends import IdentityBackend
from accounts.identity import identity_of, load_identity, user_of
from accounts.models import User
from accounts.models.user import new_nonce
from cache_platform.testing import isolated_cache

pytestmark = pytest.mark.django_db

OWN, FROM_GROUP = "view_profile", "change_subscription"


@pytest.fixture(autouse=True)
def cache() -> Iterator[None]:
    """An empty cache for each test."""
    with isolated_cache():
        yield


@pytest.fixture
def user() -> User:
    """Somebody with a permission of her own and one from a group."""
    made = User.objects.create_user("mary", "mary@example.org", "a-secret", first_name="Mary", last_name="Shelley")
    made.user_permissions.add(Permission.objects.get(codename=OWN))
    group = Group.objects.create(name="billing")
    group.permissions.add(Permission.objects.get(codename=FROM_GROUP))
    made.groups.add(group)
    return User.objects.get(pk=made.pk)


@pytest.fixture
def snapshot(user: User) -> User:
    """The same person, built from an identity."""
    identity = load_identity(user.pk)
    assert identity is not None
    return user_of(identity)


def test_a_user_built_from_an_identity_costs_no_query(snapshot: User, django_assert_num_queries: Any) -> None:
    """What requests, templates and the admin ask of a user, permissions included."""
    with django_assert_num_queries(0):
        assert snapshot.is_authenticated
        assert snapshot.is_active
        assert (str(snapshot), snapshot.get_full_name(), snapshot.email) == ("mary", "Mary Shelley", "mary@example.org")
        assert snapshot.has_perms([f"accounts.{OWN}", f"accounts.{FROM_GROUP}"])
        assert not snapshot.has_perm("accounts.delete_user")
        assert snapshot.has_module_perms("accounts")
        assert not snapshot.has_module_perms("auth")
        assert snapshot.get_user_permissions() == {f"accounts.{OWN}"}
        assert snapshot.get_group_permissions() == {f"accounts.{FROM_GROUP}"}
        assert snapshot.has_usable_password()
        assert len(snapshot.get_session_auth_hash()) == 64


def test_a_superuser_has_all_permissions_without_a_query(django_assert_num_queries: Any) -> None:
    """As with Django's own backend: every permission that there is."""
    root = user_of(identity_of(User.objects.create_superuser("root", "", "a-secret")))
    every = {
        f"{label}.{codename}"
        for label, codename in Permission.objects.values_list("content_type__app_label", "codename")
    }
    with django_assert_num_queries(0):
        assert root.get_all_permissions() == every
        assert root.has_perm("anything.at_all")


def test_an_identity_says_what_the_database_says(user: User, snapshot: User) -> None:
    """The same person, whichever way the user came to be."""
    assert snapshot == user
    assert snapshot.get_all_permissions() == user.get_all_permissions()
    assert snapshot.get_session_auth_hash() == user.get_session_auth_hash()
    assert (snapshot.is_staff, snapshot.is_superuser) == (user.is_staff, user.is_superuser)


def test_what_an_identity_leaves_out_is_read_when_asked_for(user: User, snapshot: User) -> None:
    """The password's hash is not in the cache, and checking a password works."""
    assert "password" in snapshot.get_deferred_fields()
    assert snapshot.check_password("a-secret")
    assert snapshot.date_joined == user.date_joined


def test_a_new_password_changes_the_stamp_of_a_user_built_from_an_identity(user: User, snapshot: User) -> None:
    """The stamp of the identity is the old one; a page that changes a password needs the new one."""
    before = snapshot.get_session_auth_hash()
    snapshot.set_password("another-secret")
    snapshot.save()
    user.refresh_from_db()
    assert snapshot.get_session_auth_hash() == user.get_session_auth_hash() != before
    assert snapshot.has_usable_password()


def test_saving_a_user_built_from_an_identity_keeps_what_it_never_loaded(user: User, snapshot: User) -> None:
    """A page that saves request.user must not lose the password or the nonce."""
    snapshot.first_name = "Maria"
    snapshot.save()
    fresh = User.objects.get(pk=user.pk)
    assert (fresh.password, fresh.session_nonce, fresh.first_name) == (user.password, user.session_nonce, "Maria")


def test_stamps_change_with_what_they_are_for(user: User) -> None:
    """Password and nonce for sign-ins, the password alone for API keys."""
    signed_in, key = user.get_session_auth_hash(), user.get_password_stamp()
    user.session_nonce = new_nonce()
    assert user.get_session_auth_hash() != signed_in
    assert user.get_password_stamp() == key
    user.set_password("another-secret")
    assert user.get_password_stamp() != key
    assert user.get_password_stamp() != user.get_session_auth_hash()


@pytest.mark.parametrize("gone", ["inactive", "deleted", "never there"])
def test_nobody_else_has_an_identity(user: User, gone: str) -> None:
    """Who is not active is like who is not there."""
    pk = user.pk
    if gone == "inactive":
        User.objects.filter(pk=pk).update(is_active=False)
    elif gone == "deleted":
        user.delete()
    else:
        pk += 1000
    assert load_identity(pk) is None
    assert IdentityBackend().get_user(pk) is None


def test_the_second_time_a_user_costs_no_query(user: User, django_assert_num_queries: Any) -> None:
    """The identity is in the cache."""
    backend = IdentityBackend()
    backend.get_user(user.pk)
    with django_assert_num_queries(0):
        again = backend.get_user(user.pk)
        assert again is not None
        assert again.has_perm(f"accounts.{OWN}")


def test_the_asynchronous_way_reads_the_same_entry(user: User, django_assert_num_queries: Any) -> None:
    """Under ASGI, `request.auser` must not cost a query either."""
    IdentityBackend().get_user(user.pk)
    with django_assert_num_queries(0):
        assert async_to_sync(IdentityBackend().aget_user)(user.pk) == user


def test_signing_in_leaves_the_identity_alone(user: User, django_assert_num_queries: Any) -> None:
    """Django writes `last_login` at each sign-in; that changes nothing that an identity says."""
    IdentityBackend().get_user(user.pk)
    User.objects.filter(pk=user.pk).update(last_login=timezone.now())
    with django_assert_num_queries(0):
        IdentityBackend().get_user(user.pk)


def permission(codename: str) -> Permission:
    """One of the site's permissions."""
    return Permission.objects.get(codename=codename)


EVENTS: dict[str, Callable[[User], Any]] = {
    "deactivated": lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    "saved": lambda user: (setattr(user, "is_staff", True), user.save()),
    "bulk": lambda user: (setattr(user, "is_staff", True), User.objects.bulk_update([user], ["is_staff"])),
    "password": lambda user: User.objects.filter(pk=user.pk).update(password="unusable"),
    "nonce": lambda user: User.objects.filter(pk=user.pk).update(session_nonce=new_nonce()),
    "deleted": lambda user: User.objects.filter(pk=user.pk).delete(),
    "permission given": lambda user: user.user_permissions.add(permission("add_user")),
    "permission taken": lambda user: user.user_permissions.clear(),
    "left a group": lambda user: user.groups.clear(),
    "joined a group": lambda user: user.groups.add(Group.objects.create(name="other")),
    "left from the group's side": lambda user: Group.objects.get().user_set.remove(user),
    "group's permissions": lambda user: Group.objects.get().permissions.set([permission("add_user")]),
    "group deleted": lambda user: Group.objects.all().delete(),
    "permission renamed": lambda user: Permission.objects.filter(codename=OWN).update(codename="see_profile"),
    "permission deleted": lambda user: permission(FROM_GROUP).delete(),
}
UNCHANGED = {"joined a group"}
"""Events after which the identity is read anew and says the same."""


@pytest.mark.parametrize("event", EVENTS)
def test_an_identity_is_never_older_than_the_last_change(user: User, event: str) -> None:
    """Whatever can change who a user is or what the user may do supersedes the entry, however it is written."""
    backend = IdentityBackend()
    before = backend.get_user(user.pk)
    assert before is not None
    EVENTS[event](user)
    after, truth = backend.get_user(user.pk), load_identity(user.pk)
    if truth is None:
        assert after is None
        return
    assert after is not None
    assert after.identity == truth
    assert (after.identity == before.identity) is (event in UNCHANGED)
