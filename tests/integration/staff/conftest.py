"""Staff with and without the cache's permissions, and a policy whose entries they look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from cache_platform import get_or_load
from tests.integration.accounts.credentials import empty_redis, new_user

__all__ = ["empty_redis"]
Browser = Callable[..., Client]


def staff(*codenames: str, **fields: Any) -> Any:
    """Somebody of the staff with these permissions of the cache."""
    user = new_user(is_staff=True, **fields)
    ours = Permission.objects.filter(content_type__app_label="cache_platform")
    user.user_permissions.set(ours.filter(codename__in=codenames))
    return user


@pytest.fixture
def browser() -> Browser:
    """`browser("view_cache", …)`: that of somebody of the staff with these permissions."""

    def signed_in(*codenames: str, **options: Any) -> Client:
        client = Client(**options)
        client.force_login(staff(*codenames))
        return client

    return signed_in


@pytest.fixture
def thing(declare: Any) -> Any:
    """A policy with two entries, of the users 1 and 2: two misses, and a hit on the first one."""
    policy = declare(name="test.thing", schema=dict, params={"user_id": int}, tags=("user:{user_id}",))
    assert read_both(policy) == 2
    assert read(policy, 1) == 0
    return policy


def read_both(policy: Any) -> int:
    """How many of the two had to be loaded."""
    return read(policy, 1) + read(policy, 2)


def read(policy: Any, user_id: int) -> int:
    """1 when the entry had to be loaded."""
    loaded = []

    def load(user_id: int) -> dict[str, int]:
        loaded.append(user_id)
        return {"planted-word": user_id}

    get_or_load(policy, {"user_id": user_id}, load)
    return len(loaded)
