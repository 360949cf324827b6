"""What is read right after a sign-in, loaded ahead in one batch."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser

from accounts.identity import load_identity
from accounts.policies import PROFILE, SUBSCRIPTION, USER
from accounts.profiles import load_profile
from accounts.subscriptions import load_subscription
from cache_platform.warming import on_sign_in


def _user_id(user: AbstractBaseUser) -> dict[str, int]:
    return {"user_id": user.pk}


on_sign_in(USER, _user_id, load_identity)
on_sign_in(PROFILE, _user_id, load_profile)
on_sign_in(SUBSCRIPTION, _user_id, load_subscription)
