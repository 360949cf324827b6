"""The personas that one can choose from, for a list to select in."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import QueryDict

from accounts.models import User
from assistant.filters import PersonaFilter
from assistant.lists import PAGE_SIZE, ListQuery
from assistant.personas import MOST_PERSONAS, read_persona, read_personas, visible_to
from assistant.schema import PersonaState

Group = tuple[str, tuple[PersonaState, ...]]


def persona_choices(user: User, *, chosen: int | None = None) -> tuple[Group, ...]:
    """The active personas of `user`, and the system-wide ones, each group with its name; the persona `chosen` too where
    it is in neither, as one that is inactive. Through the cache."""
    groups = [("Yours", tuple(_active(user, str(user.pk)))), ("For everybody", tuple(_active(user, "system")))]
    known = {persona.id for _, personas in groups for persona in personas}
    if chosen is not None and chosen not in known:
        other = read_persona(chosen).value
        if other is not None and visible_to(other, user):
            groups.insert(0, ("Inactive" if not other.is_active else "Another's", (other,)))
    return tuple(group for group in groups if group[1])


def _active(user: User, created_by: str) -> Iterator[PersonaState]:
    for page in range(1, MOST_PERSONAS // PAGE_SIZE + 1):
        asked = QueryDict(urlencode({"active": "true", "created_by": created_by, "page": page}))
        found = read_personas(user, ListQuery.parse(PersonaFilter, asked)).value
        if found is None:
            return
        yield from found.items
        if page * PAGE_SIZE >= found.total:
            return
