"""What is cached of auras, and which changes supersede it."""

from __future__ import annotations

from auras.models import Aura
from auras.schema import AuraState
from cache_platform import CachePolicy, register, tags_of

LIST = register(
    CachePolicy(
        name="auras.list",
        description="All auras of a user, the newest first; pages and single ones are taken from it.",
        schema=tuple[AuraState, ...],
        params={"user_id": int},
        tags=("user:{user_id}", "auras:{user_id}"),
        ttl=300,
    )
)

tags_of(Aura, "auras:{user_id}")
