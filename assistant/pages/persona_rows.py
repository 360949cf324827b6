"""Personas as the pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from accounts.pages.wording import Moment, ago, moment
from assistant.personas import may
from assistant.schema import PersonaState


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaRow:
    """A persona, and what the one who looks at it may do with it. `whose` is in a word."""

    id: int
    name: str
    description: str
    system_prompt: str
    whose: str
    own: bool
    active: bool
    default: bool
    version: int
    changed: Moment
    may_change: bool
    may_delete: bool


def persona_row(persona: PersonaState, user: User, *, default: int | None, now: datetime) -> PersonaRow:
    """`persona` as `user` sees it, who has `default` for every new conversation."""
    own = persona.created_by == user.pk
    return PersonaRow(
        id=persona.id,
        name=persona.name,
        description=persona.description,
        system_prompt=persona.system_prompt,
        whose="Yours" if own else "System" if persona.created_by is None else "Another's",
        own=own,
        active=persona.is_active,
        default=persona.id == default,
        version=persona.version,
        changed=moment(persona.updated_at, ago(persona.updated_at, now)),
        may_change=may(user, "change", persona),
        may_delete=may(user, "delete", persona),
    )
