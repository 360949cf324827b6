"""Changing and deleting one's own auras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, router, transaction

from accounts.validators import normal_name
from auras.creating import refuse_duplicate
from auras.exceptions import NotThere
from auras.models import Aura
from auras.reading import state_of
from auras.schema import AuraState
from cache_platform import LockNotAcquired


def change_aura(user_id: int, aura_id: int, changes: Mapping[str, Any]) -> AuraState:
    """Set what is given; `settings` replaces all that there were. Raises NotThere, for another's too, and Duplicate."""
    given = {name: normal_name(value) if name == "name" else value for name, value in changes.items()}
    try:
        with transaction.atomic(using=router.db_for_write(Aura)):
            row = Aura.objects.select_for_update().filter(pk=aura_id, user_id=user_id).first()
            if row is None:
                raise NotThere(aura_id)
            if given:
                for name, value in given.items():
                    setattr(row, name, value)
                row.save(update_fields=[*given, "updated_at"])
    except IntegrityError:
        refuse_duplicate(user_id, given["name"])
        raise LockNotAcquired(f"aura:{user_id}:{given['name']}") from None  # what was in the way is gone again
    return state_of(row)


def delete_aura(user_id: int, aura_id: int) -> None:
    """Delete one of the user's auras. Raises NotThere, for another's too."""
    deleted, _ = Aura.objects.filter(pk=aura_id, user_id=user_id).delete()
    if not deleted:
        raise NotThere(aura_id)
