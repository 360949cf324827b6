"""Personas: reading through the cache, and changing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from django.db import IntegrityError, router, transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.validators import normal_name
from assistant.exceptions import NameTaken, NotAllowed, NotThere, QuotaUsedUp
from assistant.lists import ListQuery
from assistant.models import Persona
from assistant.models.persona import VERSIONED
from assistant.policies import EVERYBODYS, PERSONA, PERSONA_LIST
from assistant.schema import PersonaPage, PersonaState
from cache_platform import Read, read

MOST_PERSONAS = 200
"""Of a user's own."""

Action = Literal["change", "delete"]


def read_persona(persona_id: int, *, caller: str | None = None) -> Read[PersonaState]:
    """A persona, through the cache; its value is None when there is none of that id. Whether somebody may see it,
    `visible_to` says."""
    return read(PERSONA, {"persona_id": persona_id}, load_persona, caller=caller)


def load_persona(persona_id: int) -> PersonaState | None:
    """A persona from the database, in one query."""
    row = Persona.objects.filter(pk=persona_id).first()
    return None if row is None else state_of(row)


def visible_to(persona: PersonaState, user: User) -> bool:
    """Whether `user` may see it: system-wide ones and one's own; staff see all."""
    return persona.created_by is None or persona.created_by == user.pk or user.is_staff


def usable_by(user: User, persona_id: int) -> bool:
    """Whether there is such a persona that `user` may see. Through the cache."""
    persona = read_persona(persona_id).value
    return persona is not None and visible_to(persona, user)


def may(user: User, action: Action, persona: PersonaState) -> bool:
    """Whether `user` may change or delete it: one's own, and a system-wide one for staff who were given the
    permission."""
    if persona.created_by is None:
        return user.is_staff and user.has_perm(f"assistant.{action}_persona")
    return persona.created_by == user.pk


def audience_of(user: User) -> int:
    """In whose name `user` reads lists: the user's own, or everybody's for staff."""
    return EVERYBODYS if user.is_staff else user.pk


def read_personas(user: User, query: ListQuery, *, caller: str | None = None) -> Read[PersonaPage]:
    """A page of the personas that `user` sees, through the cache."""
    audience = audience_of(user)
    params = {"user_id": audience, "query": query.text}
    return read(PERSONA_LIST, params, lambda **_: load_personas(audience, query), caller=caller)


def load_personas(user_id: int, query: ListQuery) -> PersonaPage:
    """A page of personas from the database, in two queries."""
    rows, total = query.page_of(_seen_by(user_id))
    return PersonaPage(items=tuple(state_of(row) for row in rows), total=total, page=query.page)


def create_persona(
    by: User, *, name: str, description: str = "", system_prompt: str = "", is_active: bool = True
) -> PersonaState:
    """A new persona of `by`. Raises NameTaken, QuotaUsedUp, and NotThere when the user is gone."""
    name = normal_name(name)
    try:
        with transaction.atomic(using=router.db_for_write(Persona)):
            # The lock keeps two at once from both finding the last free place.
            if User.objects.select_for_update(no_key=True).filter(pk=by.pk).first() is None:
                raise NotThere(by.pk)
            if Persona.objects.filter(created_by_id=by.pk).count() >= MOST_PERSONAS:
                raise QuotaUsedUp(f"You have {MOST_PERSONAS} personas; delete one first.")
            row = Persona.objects.create(
                created_by_id=by.pk,
                name=name,
                description=description,
                system_prompt=system_prompt,
                is_active=is_active,
            )
    except IntegrityError:
        raise NameTaken from None
    return state_of(row)


def change_persona(persona_id: int, *, by: User, changes: Mapping[str, Any]) -> PersonaState:
    """Set what is given; the version rises when that changes something. Raises NotThere, NotAllowed and NameTaken."""
    try:
        with transaction.atomic(using=router.db_for_write(Persona)):
            row = _to_be_changed(persona_id, by, "change")
            given = {name: normal_name(value) if name == "name" else value for name, value in changes.items()}
            changed = {name for name in VERSIONED & given.keys() if getattr(row, name) != given[name]}
            if changed:
                for name in changed:
                    setattr(row, name, given[name])
                row.version += 1
                row.save(update_fields=[*changed, "version", "updated_at"])
    except IntegrityError:
        raise NameTaken from None
    return state_of(row)


def delete_persona(persona_id: int, *, by: User) -> None:
    """Delete a persona; preferences and conversations that name it stay, without it. Raises NotThere and NotAllowed."""
    with transaction.atomic(using=router.db_for_write(Persona)):
        # Its lock keeps rows from coming to refer to it between the update of those that do and the deletion.
        _to_be_changed(persona_id, by, "delete").delete()


def state_of(row: Persona) -> PersonaState:
    """A persona as the API shows it."""
    return PersonaState(
        id=row.pk,
        name=row.name,
        description=row.description,
        system_prompt=row.system_prompt,
        is_active=row.is_active,
        version=row.version,
        created_by=row.created_by_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _seen_by(user_id: int) -> QuerySet[Persona]:
    if user_id == EVERYBODYS:
        return Persona.objects.all()
    return Persona.objects.filter(Q(created_by=None) | Q(created_by_id=user_id))


def _to_be_changed(persona_id: int, by: User, action: Action) -> Persona:
    """The row, locked. Raises NotThere, and NotAllowed."""
    row = Persona.objects.select_for_update().filter(pk=persona_id).first()
    if row is None or not visible_to(state_of(row), by):
        raise NotThere(persona_id)
    if not may(by, action, state_of(row)):
        raise NotAllowed(persona_id)
    return row
