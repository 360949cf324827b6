"""What becomes of keys and tokens when a password's hash is replaced by a stronger one of the same password."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.integration.accounts.credentials import PASSWORD, empty_redis, make_key, sign_in  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

STRONGER = ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]


def answers(client: Client, **headers: str) -> int:
    """The status of a read with these headers."""
    return int(client.get("/api/profile", headers=headers).status_code)


def test_a_stronger_hash_ends_neither_keys_nor_tokens(client: Client, settings: Any) -> None:
    """Django makes more rounds with each release, and replaces the hash when somebody signs in next."""
    signed_in = sign_in(client)
    key = make_key(client, signed_in)["key"]
    before = User.objects.get(pk=signed_in.user.pk).password
    settings.PASSWORD_HASHERS = STRONGER
    again = sign_in(client, signed_in.user)
    assert User.objects.get(pk=signed_in.user.pk).password != before
    for token in (signed_in.access, again.access):
        assert answers(client, Authorization=f"Bearer {token}") == 200
    assert answers(client, **{"X-API-Key": key}) == 200


def test_a_stronger_hash_brings_nothing_back(client: Client, settings: Any) -> None:
    """What had ended with an earlier password stays ended."""
    signed_in = sign_in(client)
    key = make_key(client, signed_in)["key"]
    user = User.objects.get(pk=signed_in.user.pk)
    user.set_password(PASSWORD + "!")
    user.save()
    user.set_password(PASSWORD)
    user.save()
    settings.PASSWORD_HASHERS = STRONGER
    sign_in(client, signed_in.user)
    assert answers(client, Authorization=f"Bearer {signed_in.access}") == 401
    assert answers(client, **{"X-API-Key": key}) == 401
