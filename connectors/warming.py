"""What is read right after a sign-in, loaded ahead with the account's own; and by `cache_warm`."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser

from accounts.warming import recent_users
from cache_platform.warming import on_sign_in, warmer
from connectors.policies import CONNECTIONS, STATUS
from connectors.states import load_connections, load_status


def _user_id(user: AbstractBaseUser) -> dict[str, int]:
    return {"user_id": user.pk}


on_sign_in(STATUS, _user_id, load_status)
on_sign_in(CONNECTIONS, _user_id, load_connections)

warmer(STATUS, recent_users, load_status)
warmer(CONNECTIONS, recent_users, load_connections)
