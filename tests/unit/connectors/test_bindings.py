"""What a walk to a platform is bound to."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.contrib.sessions.backends.base import SessionBase
from django.test import RequestFactory

from accounts.grants import KeyGrant, TokenGrant
from accounts.identity import Identity
from accounts.sessions.cached_db import SessionStore
from accounts.sessions.keys import new_key, row_key_of
from connectors.bindings import binding_of
from connectors.models import AuthorizationRequest

WHO = Identity(
    id=1,
    username="mary",
    first_name="",
    last_name="",
    email="",
    is_staff=False,
    is_superuser=False,
    session_auth_hash="",
    has_usable_password=False,
    user_permissions=(),
    group_permissions=(),
)
FAMILY = UUID(int=7)


def bound(key: str | None, auth: object = None) -> str | None:
    """The binding of a request with that session key."""
    request = RequestFactory().get("/")
    request.session = SessionStore(key) if key else SessionBase()
    return binding_of(request, auth)


def test_browser_is_known_by_its_session() -> None:
    """By the row, not by the key that opens it."""
    key = new_key()
    found = bound(key)
    assert found == f"session:{row_key_of(key)}"
    assert key not in str(found)
    assert bound(new_key()) != found


@pytest.mark.parametrize("key", [None, "made-up", "a" * 48])
def test_browser_without_a_session_is_bound_to_nothing(key: str | None) -> None:
    """Nor one that made up its key."""
    assert bound(key) is None


def test_programs_are_known_by_their_credential() -> None:
    """A token's family, since the token itself ends within minutes; a session beside it does not count."""
    token = TokenGrant(identity=WHO, family=FAMILY, expires=0.0)
    key = KeyGrant(identity=WHO, key_id=7, scopes=(), expires=None)
    assert bound(new_key(), token) == f"family:{FAMILY}"
    assert bound(new_key(), key) == bound(None, key) == "key:7"


def test_every_binding_fits_its_column() -> None:
    """The longest of each kind."""
    longest = AuthorizationRequest._meta.get_field("binding").max_length
    key = KeyGrant(identity=WHO, key_id=2**63 - 1, scopes=(), expires=None)
    token = TokenGrant(identity=WHO, family=UUID(int=2**128 - 1), expires=0.0)
    texts = [bound(new_key()), bound(None, key), bound(None, token)]
    assert longest is not None
    assert all(text is not None and len(text) <= longest for text in texts)
