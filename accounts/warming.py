"""What is read right after a sign-in, loaded ahead in one batch."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction

from accounts.identity import load_identity
from accounts.models import User
from accounts.policies import PROFILE, SUBSCRIPTION, USER
from accounts.profiles import load_profile
from accounts.subscriptions import load_subscription
from cache_platform.warming import on_sign_in, warm_sign_in


def _user_id(user: AbstractBaseUser) -> dict[str, int]:
    return {"user_id": user.pk}


on_sign_in(USER, _user_id, load_identity)
on_sign_in(PROFILE, _user_id, load_profile)
on_sign_in(SUBSCRIPTION, _user_id, load_subscription)


def after_sign_in(*, user: AbstractBaseUser, **_signal: Any) -> None:
    """Receiver of user_logged_in: warm what is registered, once the sign-in is committed."""
    transaction.on_commit(partial(warm_sign_in, user), using=router.db_for_write(User), robust=True)
