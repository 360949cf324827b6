"""Ending connections: one platform, or all of them."""

from __future__ import annotations

from typing import Literal

import msgspec
from django.db import router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from cache_platform import invalidate
from connectors import revocations
from connectors.grants import NO_TOKENS
from connectors.models import (
    AuthorizationRequest,
    ConnectionStatus,
    ExtractionJob,
    JobState,
    PlatformConnection,
    TokenRevocation,
)
from connectors.models.extraction_job import ACTIVE

Told = Literal["revoked", "pending", "unsupported", "failed", "none"]


class NoConnection(LookupError):
    """There is no connection with that platform."""


class Disconnected(msgspec.Struct, frozen=True, kw_only=True):
    """One connection that was ended here. `revoked`: the platform has taken the tokens back too; else `revocation` says
    why not: `pending` (it did not answer and is asked again), `unsupported` (it cannot), `failed` (it refuses), `none`
    (there were no tokens)."""

    provider: str
    status: Literal["disconnected"] = "disconnected"
    revoked: bool
    revocation: Told


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """All connections of a user, ended."""

    user_id: int
    disconnected: tuple[Disconnected, ...]


def disconnect(user_id: int, provider: str) -> Disconnected:
    """End one connection: its tokens and what was extracted are deleted at once, whatever the platform says then; its
    record stays. Raises NoConnection for one that never was; one that was ended already stays ended."""
    with transaction.atomic(using=router.db_for_write(PlatformConnection)):
        row = _locked(user_id).filter(provider=provider).first()
        if row is None:
            raise NoConnection(provider)
        AuthorizationRequest.objects.filter(user_id=user_id, provider=provider).delete()
        noted = _end(row)
    return _told(provider, revocations.attempt([noted])[0] if noted is not None else "none")


def reset(user_id: int) -> Reset:
    """End all of a user's connections, in one transaction. The status is superseded even when there was none: who
    resets wants to be shown what is."""
    with transaction.atomic(using=router.db_for_write(PlatformConnection)):
        active = [row for row in _locked(user_id) if row.is_active or row.sealed_tokens]
        AuthorizationRequest.objects.filter(user_id=user_id).delete()  # who is under way must not end up connected
        noted = {row.provider: _end(row) for row in sorted(active, key=lambda row: row.provider)}
        invalidate(f"connections:{user_id}", f"signature:{user_id}")
    waiting = [row for row in noted.values() if row is not None]
    outcomes = dict(zip((row.provider for row in waiting), revocations.attempt(waiting), strict=True))
    return Reset(user_id=user_id, disconnected=tuple(_told(name, outcomes.get(name, "none")) for name in noted))


def _locked(user_id: int) -> QuerySet[PlatformConnection]:
    return PlatformConnection.objects.select_for_update().filter(user_id=user_id).order_by("pk")  # as deletions do


def _end(row: PlatformConnection) -> TokenRevocation | None:
    """Forget all but the record, in the caller's transaction; the tokens that are to be taken back."""
    noted = None
    if row.sealed_tokens:
        noted = revocations.note_tokens_of(row)
    now = timezone.now()
    end_jobs(row, problem="disconnected")
    row.items.all().delete()
    ended = {"disconnected_at": now} if row.is_active else {}
    forgotten = {"last_sync_at": None, "last_sync_status": ""}  # it was of the items that are gone
    values = {"status": ConnectionStatus.DISCONNECTED, "problem": "", **NO_TOKENS, **ended, **forgotten}
    PlatformConnection.objects.filter(pk=row.pk).update(**values)
    return noted


def end_jobs(row: PlatformConnection, *, problem: str) -> None:
    """Have the connection's running job fail: its worker finds its lease gone and stores nothing more."""
    active = ExtractionJob.objects.filter(connection=row, state__in=ACTIVE)
    active.update(state=JobState.FAILED, problem=problem, lease="", lease_until=None, finished_at=timezone.now())


def _told(provider: str, outcome: Told) -> Disconnected:
    return Disconnected(provider=provider, revoked=outcome == "revoked", revocation=outcome)
