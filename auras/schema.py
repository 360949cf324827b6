"""The values of the auras' policy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class AuraState(msgspec.Struct, frozen=True, kw_only=True):
    """An aura."""

    id: int
    user_id: int
    name: str
    description: str
    kind: str
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class AuraPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a user's auras; `total` counts those on all pages."""

    items: tuple[AuraState, ...]
    total: int
    page: int
