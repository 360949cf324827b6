"""The values of the connectors' policies."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

State = Literal["connected", "expiring", "needs_reauth", "error", "disconnected"]
Sync = Literal["", "completed", "failed"]


class PlatformState(msgspec.Struct, frozen=True, kw_only=True):
    """One platform as its user sees it. `connected` is false for all that does not work; `account` is the name at the
    platform, empty when there is none. `connection_id` is None where there never was a connection."""

    provider: str
    name: str
    status: State
    connected: bool
    problem: str
    account: str
    scopes: tuple[str, ...]
    renewable: bool
    expires_at: datetime | None
    connected_at: datetime | None
    last_sync_at: datetime | None
    last_sync_status: Sync
    connection_id: int | None


class UserStatus(msgspec.Struct, frozen=True, kw_only=True):
    """All platforms of a user: those offered, and those that have a record. `connected` counts those that work."""

    user_id: int
    connected: int
    platforms: tuple[PlatformState, ...]


class StatusEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is cached of a status: it holds until unix second `valid_until`, at which time alone changes it."""

    status: UserStatus
    valid_until: float


class ConnectionsEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is cached of a user's connections, in the order of their platforms' names."""

    connections: tuple[PlatformState, ...]
    valid_until: float


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """An extraction as its user sees it. `progress` is 0 to 1; `waits_until`: the platform's quota is used up."""

    job_id: UUID
    user_id: int
    provider: str
    state: Literal["queued", "running", "completed", "failed"]
    progress: float
    items_done: int
    items_total: int | None
    problem: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    waits_until: datetime | None


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform said of its quota with its last answer; `resets_at` in unix seconds."""

    limit: int
    remaining: int
    resets_at: float


class Trait(msgspec.Struct, frozen=True, kw_only=True):
    """One trait; `score` is 0 to 100, `basis` says in words what it was computed from."""

    name: str
    score: int
    basis: str


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One area of life; `share` of all items, 0 to 1."""

    name: str
    share: float
    items: int
    labels: tuple[str, ...]
    platforms: tuple[str, ...]
    peak_hour: int


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What a user's items say together. Without items there are no traits and no clusters."""

    user_id: int
    method: str
    items: int
    platforms: dict[str, int]
    first_at: datetime | None
    last_at: datetime | None
    traits: tuple[Trait, ...]
    clusters: tuple[Cluster, ...]
