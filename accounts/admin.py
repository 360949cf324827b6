"""The user's page in the admin, with profile and subscription on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from accounts.models import Profile, Subscription, User

if TYPE_CHECKING:  # generic for the type checker only
    ProfilesOfUser = admin.StackedInline[Profile, User]
    SubscriptionsOfUser = admin.StackedInline[Subscription, User]
    Users = DjangoUserAdmin[User]
else:
    ProfilesOfUser = SubscriptionsOfUser = admin.StackedInline
    Users = DjangoUserAdmin


class ProfileInline(ProfilesOfUser):
    """What the user says."""

    model = Profile
    verbose_name_plural = "profile"


class SubscriptionInline(SubscriptionsOfUser):
    """What the user has subscribed to. Limits left empty are the plan's."""

    model = Subscription
    verbose_name_plural = "subscription"


@admin.register(User)
class UserAdmin(Users):
    """Django's own page; a user who is being added has neither profile nor subscription yet."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Django's own rules, and no guessing at secrets by filters in the address."""
        if lookup.startswith(("session_nonce", "sessions", "api_keys", "token_families")):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:  # noqa: ARG002  # Django's signature
        """Profile and subscription, of a user who is there."""
        return [] if obj is None else [ProfileInline, SubscriptionInline]
