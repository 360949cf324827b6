"""What users want of the assistant: reading through the cache, and choosing."""

from __future__ import annotations

from django.db import IntegrityError, router, transaction

from accounts.models import User
from assistant.exceptions import NotThere
from assistant.models import Preference
from assistant.models.preference import DEFAULT_TEMPERATURE
from assistant.policies import PREFERENCE
from assistant.schema import PreferenceState
from cache_platform import Read, read


def read_preference(user_id: int, *, caller: str | None = None) -> Read[PreferenceState]:
    """What the user wants, through the cache; the defaults for one who has not chosen."""
    return read(PREFERENCE, {"user_id": user_id}, load_preference, caller=caller)


def load_preference(user_id: int) -> PreferenceState:
    """What the user wants from the database, in one query."""
    row = Preference.objects.filter(user_id=user_id).first() or Preference(user_id=user_id)
    return PreferenceState(
        user_id=user_id,
        persona_id=row.persona_id,
        temperature=row.temperature,
        use_documents=row.use_documents,
    )


def choose(
    user_id: int,
    *,
    persona_id: int | None = None,
    temperature: float = DEFAULT_TEMPERATURE,
    use_documents: bool = False,
) -> PreferenceState:
    """Put this in the place of what the user wanted. Whether the user may see the persona, the caller has to know.

    Raises NotThere when the persona or the user was deleted a moment ago.
    """
    values = {"persona_id": persona_id, "temperature": temperature, "use_documents": use_documents}
    try:
        with transaction.atomic(using=router.db_for_write(Preference)):
            Preference.objects.update_or_create(user_id=user_id, defaults=values)
    except IntegrityError:
        if not User.objects.filter(pk=user_id).exists():
            raise NotThere(user_id) from None
        raise NotThere(persona_id) from None
    return PreferenceState(user_id=user_id, persona_id=persona_id, temperature=temperature, use_documents=use_documents)
