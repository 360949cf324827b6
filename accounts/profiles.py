"""Profiles: reading through the cache, and changing."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, router, transaction

from accounts.models import Profile, User
from accounts.policies import PROFILE
from accounts.schema import ProfileState
from cache_platform import Read, read


def read_profile(*, user_id: int) -> Read[ProfileState]:
    """The user's profile, through the cache; "not found" without such a user."""
    return read(PROFILE, {"user_id": user_id}, load_profile)


def load_profile(user_id: int) -> ProfileState | None:
    """The profile from the database in one query, with defaults for what was not chosen; None without such a user."""
    user = User.objects.filter(pk=user_id).select_related("profile").first()
    if user is None:
        return None
    profile = getattr(user, "profile", None) or Profile()
    return ProfileState(
        user_id=user.pk,
        display_name=profile.display_name or user.get_full_name() or user.get_username(),
        avatar=profile.avatar,
        settings=profile.settings,
    )


def change_profile(
    *,
    user_id: int,
    display_name: str | None = None,
    avatar: str | None = None,
    settings: dict[str, Any] | None = None,
) -> ProfileState | None:
    """Set what is given, and make the profile if there is none; the new state, None without such a user.

    `settings` replaces all that there were. Raises django's ValidationError, its messages by field, when a value is
    not allowed.
    """
    given = {"display_name": display_name, "avatar": avatar, "settings": settings}
    changes = {name: value for name, value in given.items() if value is not None}
    Profile(**changes).clean_fields(exclude={field.name for field in Profile._meta.fields} - changes.keys())
    if changes:
        try:
            with transaction.atomic(using=router.db_for_write(Profile)):
                Profile.objects.update_or_create(user_id=user_id, defaults=changes)
        except IntegrityError:  # the user was deleted a moment ago
            return None
    return load_profile(user_id)
