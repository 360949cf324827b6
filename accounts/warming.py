"""What is read right after a sign-in, loaded ahead in one batch; and of those who were here lately, by `cache_warm`."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone

from accounts.identity import load_identity
from accounts.models import User
from accounts.policies import PROFILE, SUBSCRIPTION, USER
from accounts.profiles import load_profile
from accounts.subscriptions import load_subscription
from cache_platform.warming import on_sign_in, warmer

LATELY = timedelta(days=1)
MOST_USERS = 1000


def _user_id(user: AbstractBaseUser) -> dict[str, int]:
    return {"user_id": user.pk}


on_sign_in(USER, _user_id, load_identity)
on_sign_in(PROFILE, _user_id, load_profile)
on_sign_in(SUBSCRIPTION, _user_id, load_subscription)


def recent_users() -> list[dict[str, int]]:
    """Those who signed in LATELY, at most MOST_USERS, the latest first: as parameters. One query."""
    recent = User.objects.filter(is_active=True, last_login__gte=timezone.now() - LATELY).order_by("-last_login")
    return [{"user_id": number} for number in recent.values_list("pk", flat=True)[:MOST_USERS]]


warmer(USER, recent_users, load_identity)
warmer(PROFILE, recent_users, load_profile)
warmer(SUBSCRIPTION, recent_users, load_subscription)
