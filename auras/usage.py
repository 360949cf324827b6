"""What of a plan auras use up."""

from __future__ import annotations

from datetime import datetime

from accounts.usage import counted_by
from auras.models import Aura
from cache_platform import tags_of


def auras_of(user_id: int, since: datetime) -> int:  # noqa: ARG001  # all that there are
    """The user's auras."""
    return Aura.objects.filter(user_id=user_id).count()


counted_by("auras", auras_of)
tags_of(Aura, "subscription:{user_id}")
