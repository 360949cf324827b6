"""The demo accounts: `ada`, `grace`, and `admin`, who is staff."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import check_password, is_password_usable, make_password
from django.db import transaction
from django.utils import timezone

DEMO_USERS: tuple[tuple[str, str, str], ...] = (
    ("ada", "Ada", "Lovelace"),
    ("grace", "Grace", "Hopper"),
    ("admin", "", ""),
)
"""User names with first and last names; without one Django's admin greets by the user name."""

DEMO_DOMAIN = "example.invalid"
"""No such domain exists (RFC 6761), so an account with an address there is one of ours."""

DEMO_PROFILES: dict[str, dict[str, Any]] = {
    "ada": {"display_name": "Ada Lovelace", "settings": {"theme": "dark", "units": "metric", "digest": "daily"}},
    "grace": {"display_name": "Rear Admiral Hopper", "settings": {"theme": "light", "units": "imperial"}},
    "admin": {"display_name": "Site Admin", "settings": {"theme": "system"}},
}

DEMO_SUBSCRIPTIONS: dict[str, dict[str, Any]] = {
    "ada": {"plan": "pro", "status": "active"},
    "grace": {"plan": "team", "status": "trialing"},
    "admin": {"plan": "free", "status": "active"},
}
DEMO_PERIOD = timedelta(days=19)
"""How much of their period the paid ones have left at first."""


def create_demo_users(user_model: Any) -> None:  # noqa: ANN401  # a historical model in migrations
    """Create the demo accounts that do not exist yet, without a usable password until one is set."""
    for username, first_name, last_name in DEMO_USERS:
        staff = username == "admin"
        user_model.objects.get_or_create(
            username=username,
            defaults={
                "first_name": first_name,
                "last_name": last_name,
                "email": f"{username}@{DEMO_DOMAIN}",
                "password": make_password(None),
                "is_staff": staff,
                "is_superuser": staff,
            },
        )


def create_demo_details() -> None:
    """Give the demo accounts that have none a profile and a subscription; what somebody changed is left alone.

    An account of that name that is somebody's own gets nothing.
    """
    from accounts.models import Profile, Subscription, User

    ours = {name: f"{name}@{DEMO_DOMAIN}" for name, _, _ in DEMO_USERS}
    with transaction.atomic():
        for user in User.objects.filter(username__in=ours):
            if user.email != ours[user.username]:
                continue
            Profile.objects.get_or_create(user=user, defaults=DEMO_PROFILES[user.username])
            subscription = DEMO_SUBSCRIPTIONS[user.username]
            end = None if subscription["plan"] == "free" else timezone.now() + DEMO_PERIOD
            Subscription.objects.get_or_create(user=user, defaults={**subscription, "period_end": end})


def set_demo_password(password: str, *, keep: bool) -> None:
    """Give the demo accounts `password`; those that already have it are left alone, so no session ends.

    With `keep`, all that have a usable password are left alone: somebody chose it.
    """
    from accounts.models import User

    users = list(User.objects.filter(username__in=[name for name, _, _ in DEMO_USERS]))
    with ThreadPoolExecutor(len(DEMO_USERS)) as pool:  # hashing is most of the work, and runs on all cores
        hashes = list(pool.map(lambda user: _new_hash(user.password, password, keep=keep), users))
    for user, fresh in zip(users, hashes, strict=True):
        if fresh is not None:
            user.password = fresh
            user.save(update_fields=["password"])


def _new_hash(current: str, password: str, *, keep: bool) -> str | None:
    """The hash to store; None when `current` shall stay, as it does when it is one of `password` already."""
    if is_password_usable(current) and (keep or check_password(password, current)):
        return None
    return make_password(password)
