"""Having platforms take tokens back, at once and, where that fails, again later."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Literal

from django.db.models import F
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from cache_platform.exceptions import SourceError, SourceRefused
from connectors import oauth
from connectors.models import PlatformConnection, TokenRevocation
from connectors.providers import UnknownProvider, get_provider
from connectors.sealing import Unreadable
from connectors.tokens import opened

logger = logging.getLogger(__name__)

Outcome = Literal["revoked", "pending", "unsupported", "failed"]
"""`pending`: the platform did not answer and is asked again. `unsupported`: it has no way to revoke; its tokens end by
themselves. `failed`: it refuses, or the tokens cannot be read; asking again would not help."""

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
GIVEN_UP = timedelta(days=7)
MOST_AT_ONCE = 8
ENOUGH = 50
"""Revocations of one platform that one round of the task makes: one that is away must not take the others' places."""


def note(*, user_id: int, provider: str, sealed_tokens: str, account_id: str = "") -> TokenRevocation:
    """Write down, in the caller's transaction, that these tokens are to be taken back. `account_id` is whose they are
    at the platform; empty when that is not known."""
    return TokenRevocation.objects.create(
        owner_id=user_id, provider=provider, sealed_tokens=sealed_tokens, account_id=account_id
    )


def note_tokens_of(row: PlatformConnection) -> TokenRevocation:
    """As `note`, for the tokens that a connection's row has."""
    return note(user_id=row.user_id, provider=row.provider, sealed_tokens=row.sealed_tokens, account_id=row.account_id)


def attempt(rows: Sequence[TokenRevocation]) -> list[Outcome]:
    """Ask the platforms now, side by side, and write down what came of it. Call it after the COMMIT."""
    if not rows:
        return []
    with ThreadPoolExecutor(min(len(rows), MOST_AT_ONCE)) as pool:
        outcomes = list(pool.map(_asked, rows))  # threads that touch no database
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome == "pending":
            _put_off(row)
        else:
            row.delete()
            if outcome != "revoked":
                logger.info("the tokens of user %s at %s: %s", row.owner_id, row.provider, outcome)
    return outcomes


def attempt_due() -> int:
    """Ask again for those that are due; how many were taken back."""
    now = timezone.now()
    given_up = TokenRevocation.objects.filter(created_at__lt=now - GIVEN_UP).delete()[0]
    if given_up:
        logger.warning(
            "%d tokens were not taken back within %s: their platforms are not asked any more", given_up, GIVEN_UP
        )
    due = TokenRevocation.objects.filter(not_before__lte=now)
    platforms = list(due.order_by().values_list("provider", flat=True).distinct())
    outcomes = [attempt(list(due.filter(provider=slug).order_by("not_before")[:ENOUGH])) for slug in platforms]
    return sum(each.count("revoked") for each in outcomes)


def note_deleted(*, instance: PlatformConnection, using: str, **_signal: Any) -> None:
    """Receiver of pre_delete: the tokens of a connection that is deleted, as with its user, are taken back too; those
    that it has by now. The row is locked before the jobs and items that go with it, as by all who write them."""
    rows = PlatformConnection.objects.using(using).select_for_update().filter(pk=instance.pk)
    row = rows.only("user_id", "provider", "sealed_tokens", "account_id").first()
    if row is not None and row.sealed_tokens:
        note_tokens_of(row)


@sensitive_variables()
def _asked(row: TokenRevocation) -> Outcome:
    try:
        provider = get_provider(row.provider)
        if provider.revocation is None:
            return "unsupported"
        oauth.revoke(provider, opened(row.sealed_tokens, user_id=row.owner_id, provider=row.provider))
    except (SourceRefused, Unreadable, UnknownProvider) as error:
        logger.warning("%s: %s", row, error)
        return "failed"
    except SourceError as error:
        logger.info("%s is asked again: %s", row, error)
        return "pending"
    return "revoked"


def _put_off(row: TokenRevocation) -> None:
    pause = min(FIRST_PAUSE * 2 ** min(row.attempts, 10), LONGEST_PAUSE)
    TokenRevocation.objects.filter(pk=row.pk).update(attempts=F("attempts") + 1, not_before=timezone.now() + pause)
