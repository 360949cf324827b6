"""What a connection's state is at a moment, and the values of the policies made of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import cast

from django.utils import timezone

from accounts.models import User
from cache_platform import Read, read
from connectors.models import ConnectionStatus, PlatformConnection
from connectors.policies import CONNECTIONS, STATUS
from connectors.providers import name_of, offered
from connectors.schema import ConnectionsEntry, PlatformState, State, StatusEntry, Sync, UserStatus

WORKING = frozenset({ConnectionStatus.CONNECTED, ConnectionStatus.EXPIRING})
PROBLEMS = {ConnectionStatus.NEEDS_REAUTH: "expired", ConnectionStatus.ERROR: "not_renewed"}
"""What time alone has brought about."""
SHOWN = [
    "id", "provider", "status", "problem", "scopes", "account_name", "renewable", "renew_at", "expires_at",
    "connected_at", "last_sync_at", "last_sync_status",
]  # fmt: skip
"""What is read for a status: no tokens, so that none can get into a value."""


LATE = timedelta(minutes=2)
"""How long after its end a token that can be renewed counts as being renewed. Longer than the task's rounds."""


def status_at(connection: PlatformConnection, now: datetime) -> ConnectionStatus:
    """The state at `now`: a connection that works changes by time alone, without a write."""
    current = ConnectionStatus(connection.status)
    for moment, following in _changes(connection):
        if now >= moment:
            current = following
    return current


def changes_at(connection: PlatformConnection, now: datetime) -> float:
    """The unix second at which `status_at` changes next without a write; infinity when it does not."""
    return next((moment.timestamp() for moment, _ in _changes(connection) if now < moment), math.inf)


def _changes(connection: PlatformConnection) -> Iterator[tuple[datetime, ConnectionStatus]]:
    """When time alone changes the state, and to what, in their order."""
    if connection.status not in WORKING or connection.renew_at is None:
        return
    yield connection.renew_at, ConnectionStatus.EXPIRING
    if connection.expires_at is None:
        return
    if connection.renewable:
        yield connection.expires_at + LATE, ConnectionStatus.ERROR
    else:
        yield connection.expires_at, ConnectionStatus.NEEDS_REAUTH


def load_status(user_id: int) -> StatusEntry | None:
    """The state of each platform from the database, in one query; None for a user who is not there."""
    now = timezone.now()
    rows = {row.provider: row for row in _rows(user_id)}
    if not rows and not User.objects.filter(pk=user_id).exists():
        return None
    names = [*(provider.slug for provider in offered()), *rows]
    platforms = tuple(_state(name, rows.get(name), now) for name in dict.fromkeys(names))
    status = UserStatus(
        user_id=user_id, connected=sum(platform.connected for platform in platforms), platforms=platforms
    )
    return StatusEntry(status=status, valid_until=_valid_until(rows.values(), now))


def load_connections(user_id: int) -> ConnectionsEntry:
    """The user's connections from the database, those that were ended among them, in one query."""
    now = timezone.now()
    rows = list(_rows(user_id))
    connections = tuple(_state(row.provider, row, now) for row in rows)
    return ConnectionsEntry(connections=connections, valid_until=_valid_until(rows, now))


def read_status(user_id: int, *, caller: str | None = None) -> Read[StatusEntry]:
    """The state of each of a user's platforms, through the cache."""
    return read(STATUS, {"user_id": user_id}, load_status, caller=caller)


def read_connections(user_id: int, *, caller: str | None = None) -> Read[ConnectionsEntry]:
    """A user's connections, through the cache."""
    return read(CONNECTIONS, {"user_id": user_id}, load_connections, caller=caller)


def _rows(user_id: int) -> Iterable[PlatformConnection]:
    return PlatformConnection.objects.filter(user_id=user_id).only(*SHOWN).order_by("provider")


def _valid_until(rows: Iterable[PlatformConnection], now: datetime) -> float:
    return min((changes_at(row, now) for row in rows), default=math.inf)


def _state(provider: str, row: PlatformConnection | None, now: datetime) -> PlatformState:
    row = row or PlatformConnection(provider=provider)
    status = status_at(row, now)
    return PlatformState(
        provider=provider,
        name=name_of(provider),
        status=cast(State, status.value),
        connected=status in WORKING,
        problem=row.problem or PROBLEMS.get(status, ""),
        account=row.account_name,
        scopes=tuple(row.scopes),
        renewable=row.renewable,
        expires_at=row.expires_at,
        connected_at=row.connected_at,
        last_sync_at=row.last_sync_at,
        last_sync_status=cast(Sync, row.last_sync_status),
        connection_id=row.pk,
    )
