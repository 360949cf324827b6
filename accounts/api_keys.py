"""API keys: made, listed, revoked, and accepted."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils.crypto import constant_time_compare

from accounts.grants import KeyGrant
from accounts.identity import identity_of
from accounts.key_text import KeyText, NewKey, new_key
from accounts.models import ApiKey, User
from accounts.owners import Owner, owners
from accounts.policies import API_KEY
from cache_platform import get_or_load

logger = logging.getLogger(__name__)

Scope = Literal["read", "write"]

MOST_KEYS = 100
"""How many good keys one user may have."""
USED_AGAIN_AFTER = timedelta(minutes=1)
"""How old `last_used_at` grows before it is written again: without Redis each request is a load."""


class SignedOut(Exception):
    """Who asks was signed out while asking."""


class TooManyKeys(Exception):
    """The user has MOST_KEYS good keys."""


def make_key(
    user: User, *, name: str, scopes: list[Scope], expires_at: datetime | None = None
) -> tuple[ApiKey, NewKey]:
    """A new key of `user`, who is signed in; its text is nowhere else. Raises SignedOut and TooManyKeys."""
    with transaction.atomic():
        # The lock and the comparison keep a session that is being ended from leaving a key behind.
        owner = User.objects.select_for_update().filter(pk=user.pk, is_active=True).first()
        if owner is None or not constant_time_compare(owner.get_session_auth_hash(), user.get_session_auth_hash()):
            raise SignedOut
        if good_keys(owner).count() >= MOST_KEYS:
            raise TooManyKeys
        made = new_key()
        row = ApiKey.objects.create(
            user=owner,
            name=name,
            prefix=made.known.prefix,
            digest=made.known.digest,
            scopes=sorted(set(scopes)),
            stamp=owner.get_password_stamp(),
            expires_at=expires_at,
        )
    return row, made


def good_keys(user: User) -> QuerySet[ApiKey]:
    """The user's keys, newest first: those that were not revoked, neither one by one nor with the password."""
    return ApiKey.objects.filter(user_id=user.pk, revoked_at=None, stamp=user.get_password_stamp())


def revoke_key(user: User, key_id: int) -> bool:
    """End a key: no request that starts after this is let in by it. False when the user has no such key."""
    return good_keys(user).filter(pk=key_id).update(revoked_at=datetime.now(UTC)) > 0


def granted_by_key(known: KeyText) -> KeyGrant | None:
    """What a key grants, from the cache; None when it was revoked, has expired or is nobody's. Only keys that are, or
    once were, somebody's reach the cache. Raises what get_or_load raises."""
    owner = owners.get(known.digest) or _find_owner(known)
    if owner is None:
        return None
    return get_or_load(API_KEY, key_params(known, owner), lambda **_: _load(owner))


def key_params(known: KeyText, owner: Owner) -> dict[str, Any]:
    """The parameters of a key's entry."""
    return {"user_id": owner.user_id, "key": known.digest}


def _find_owner(known: KeyText) -> Owner | None:
    row = ApiKey.objects.filter(prefix=known.prefix).values_list("pk", "user_id", "digest").first()
    if row is None or not constant_time_compare(row[2], known.digest):
        return None
    owner = Owner(key_id=row[0], user_id=row[1])
    owners.keep(known.digest, owner)
    return owner


def _load(owner: Owner) -> KeyGrant | None:
    now = datetime.now(UTC)
    wanted = {"pk": owner.key_id, "user_id": owner.user_id, "user__is_active": True, "revoked_at": None}
    row = ApiKey.objects.select_related("user").filter(**wanted).first()
    if row is None or not constant_time_compare(row.stamp, row.user.get_password_stamp()):
        return None
    if row.expires_at is not None and row.expires_at <= now:
        return None
    _note_used(row, now)
    return KeyGrant(
        identity=identity_of(row.user),
        key_id=row.pk,
        scopes=tuple(row.scopes),
        expires=row.expires_at.timestamp() if row.expires_at else None,
    )


def _note_used(row: ApiKey, now: datetime) -> None:
    """Write down that the key is in use, if that was not done lately. Nobody's request fails for it."""
    if row.last_used_at is not None and now - row.last_used_at < USED_AGAIN_AFTER:
        return
    try:
        with transaction.atomic():
            ApiKey.objects.filter(pk=row.pk).update(last_used_at=now)
    except DatabaseError as error:
        logger.warning("last_used_at of API key %s is not written: %s", row.prefix, error)
