"""Making an aura: once, whoever else tries to make it at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, router, transaction

from accounts.models import User
from accounts.subscriptions import allowance_of
from accounts.validators import normal_name
from auras.exceptions import Duplicate, NotThere, QuotaUsedUp
from auras.models import AGENT, Aura
from auras.reading import state_of
from auras.schema import AuraState
from cache_platform import DistributedLock, LockNotAcquired

MOST_AURAS = 150
"""Of a user, whatever the plan says: all of them stand in one entry, which holds that many of the largest
(`MAX_ENTRY_BYTES`)."""
TIMEOUT, WAIT = 10.0, 5.0
"""Seconds for which the lock outlives its holder, and for which one waits for it."""


def create_aura(
    user_id: int,
    *,
    name: str,
    description: str = "",
    kind: str = AGENT,
    settings: Mapping[str, Any] | None = None,
) -> AuraState:
    """A new aura. Raises Duplicate, QuotaUsedUp, NotThere when the user is gone, and LockNotAcquired when others have
    been making it for too long.

    The lock has those who try at once do it one after the other. Where it cannot keep its promise (see
    docs/guides/locks.md) the constraint does: so no guard is asked, which would leave a row for each name.
    """
    name = normal_name(name)
    refuse_duplicate(user_id, name)  # who sends it again need not wait for the lock
    fields = {"name": name, "description": description, "kind": kind, "settings": dict(settings or {})}
    lock = f"aura:{user_id}:{name}"
    with DistributedLock(lock, timeout=TIMEOUT, wait=WAIT):
        try:
            with transaction.atomic(using=router.db_for_write(Aura)):
                return state_of(_created(user_id, fields))
        except IntegrityError:
            refuse_duplicate(user_id, name)
            raise LockNotAcquired(lock) from None  # what was in the way is gone again


def refuse_duplicate(user_id: int, name: str) -> None:
    """Raises Duplicate when the user has an aura of that name."""
    number = Aura.objects.filter(user_id=user_id, name=name).values_list("pk", flat=True).first()
    if number is not None:
        raise Duplicate(number)


def _created(user_id: int, fields: Mapping[str, Any]) -> Aura:
    # The row's lock keeps two names at once from both finding the last free place.
    if User.objects.select_for_update(no_key=True).filter(pk=user_id).first() is None:
        raise NotThere(user_id)
    refuse_duplicate(user_id, fields["name"])
    allowed = allowance_of(user_id, "auras")
    if allowed.used_up:
        raise QuotaUsedUp(allowed.refusal("auras; delete one first"))
    if allowed.used >= MOST_AURAS:
        raise QuotaUsedUp(f"You have {MOST_AURAS} auras; delete one first.")
    return Aura.objects.create(user_id=user_id, **fields)
