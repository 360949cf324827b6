"""Who a user is and what the user may do, as a snapshot from which `request.user` is built without a query."""

from __future__ import annotations

import msgspec
from django.contrib.auth.backends import ModelBackend
from django.db import router

from accounts.models import User


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """An active user, at the moment of loading. Nobody else has an identity, so none can be let in by mistake.

    The permissions are `app_label.codename`, sorted; of a superuser, all that there are.
    """

    id: int
    username: str
    first_name: str
    last_name: str
    email: str
    is_staff: bool
    is_superuser: bool
    session_auth_hash: str
    has_usable_password: bool
    user_permissions: tuple[str, ...]
    group_permissions: tuple[str, ...]


LOADED = {"id", "username", "first_name", "last_name", "email", "is_staff", "is_superuser", "is_active"}
"""The fields that a user has who was built from an identity; the others are read from the database when asked for."""


def load_identity(user_id: int) -> Identity | None:
    """The user's identity from the database; None for one who is not there or not active. Three queries."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    return identity_of(user) if user is not None else None


def identity_of(user: User) -> Identity:
    """The identity of an active user; two queries, for the permissions."""
    backend = ModelBackend()
    return Identity(
        id=user.pk,
        username=user.username,
        first_name=user.first_name,
        last_name=user.last_name,
        email=user.email,
        is_staff=user.is_staff,
        is_superuser=user.is_superuser,
        session_auth_hash=user.get_session_auth_hash(),
        has_usable_password=user.has_usable_password(),
        user_permissions=tuple(sorted(backend.get_user_permissions(user))),
        group_permissions=tuple(sorted(backend.get_group_permissions(user))),
    )


def user_of(identity: Identity) -> User:
    """The user whom `identity` is a snapshot of, with permissions, and without a query."""
    fields = [field.attname for field in User._meta.concrete_fields if field.attname in LOADED]
    values = [True if name == "is_active" else getattr(identity, name) for name in fields]
    user: User = User.from_db(router.db_for_read(User), fields, values)
    user.identity = identity
    # Where ModelBackend keeps what it has read.
    permissions = {
        "_user_perm_cache": set(identity.user_permissions),
        "_group_perm_cache": set(identity.group_permissions),
        "_perm_cache": {*identity.user_permissions, *identity.group_permissions},
    }
    vars(user).update(permissions)
    return user
