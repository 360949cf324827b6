"""The values of the accounts' policies."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec


class ProfileState(msgspec.Struct, frozen=True, kw_only=True):
    """A user's profile, as the API shows it. `avatar` is an https address or empty."""

    user_id: int
    display_name: str
    avatar: str
    settings: dict[str, Any]


class SubscriptionState(msgspec.Struct, frozen=True, kw_only=True):
    """A user's subscription, as the API shows it. A plan without an end has no `period_end`."""

    plan: Literal["free", "pro", "team"]
    status: Literal["active", "trialing", "past_due", "cancelled"]
    period_end: datetime | None
    limits: dict[str, int]
    usage: dict[str, int]


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """A session's row. `data` is what Django signs; times are unix seconds."""

    data: str
    expires: float
    last_seen: float
