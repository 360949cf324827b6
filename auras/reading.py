"""Auras as they are read: through the cache, all of a user's in one entry."""

from __future__ import annotations

from auras.exceptions import NotThere
from auras.models import Aura
from auras.policies import LIST
from auras.schema import AuraPage, AuraState
from cache_platform import Read, flush_policy, invalidate, read

PAGE_SIZE = 20

Auras = tuple[AuraState, ...]


def read_auras(user_id: int, *, caller: str | None = None) -> Read[Auras]:
    """The user's auras, the newest first, through the cache."""
    return read(LIST, {"user_id": user_id}, load_auras, caller=caller)


def load_auras(user_id: int) -> Auras:
    """The user's auras from the database, in one query."""
    return tuple(state_of(row) for row in Aura.objects.filter(user_id=user_id).order_by("-created_at", "-pk"))


def page_of(auras: Auras, page: int) -> AuraPage:
    """A page of them, from 1; empty beyond the last."""
    start = (page - 1) * PAGE_SIZE
    return AuraPage(items=auras[start : start + PAGE_SIZE], total=len(auras), page=page)


def one_of(auras: Auras, aura_id: int) -> AuraState:
    """The one of that number. Raises NotThere."""
    for aura in auras:
        if aura.id == aura_id:
            return aura
    raise NotThere(aura_id)


def supersede(aura_id: int) -> int:
    """See auras.invalidate_aura."""
    owner = Aura.objects.filter(pk=aura_id).values_list("user_id", flat=True).first()
    return flush_policy(LIST) if owner is None else invalidate(f"auras:{owner}")


def state_of(row: Aura) -> AuraState:
    """An aura as the API shows it."""
    return AuraState(
        id=row.pk,
        user_id=row.user_id,
        name=row.name,
        description=row.description,
        kind=row.kind,
        settings=row.settings,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
