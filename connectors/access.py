"""An access token that is good now: renewed first when it has to be, by one at a time per connection."""

from __future__ import annotations

import logging
import secrets
import time
from datetime import datetime, timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from cache_platform.exceptions import SourceError, SourceMalformed, SourceUnavailable
from connectors import oauth, revocations
from connectors.definitions import Provider, ends_apart
from connectors.grants import NO_CLAIM, NO_TOKENS, columns
from connectors.models import ConnectionStatus, PlatformConnection
from connectors.oauth import GRANT_ENDED, OURS, Granted, OAuthRefused
from connectors.providers import UnknownProvider, get_provider
from connectors.sealing import Unreadable
from connectors.tokens import Tokens, opened, sealed

logger = logging.getLogger(__name__)

CLAIMED_FOR = timedelta(seconds=15)
"""Longer than a refresh may take. Whoever is killed in one leaves the connection alone for that long."""
PATIENCE = 3.0
"""Seconds that others wait for the one who refreshes."""
LOOK = 0.05


class NotConnected(Exception):
    """The connection is not there, was ended, or does not work and cannot be renewed."""


class NeedsReauth(NotConnected):
    """The platform does not accept the connection any more; its row says so. Only its user can mend that."""


@sensitive_variables()
def access_token(connection_id: int) -> str:
    """A token for the platform's data, good now. Raises NotConnected, NeedsReauth, and SourceError when it would have
    to be renewed and the platform is away."""
    row = _row(connection_id)
    if row.renew_at is None or timezone.now() < row.renew_at:
        return _opened(row).access
    if row.renewable:
        return _renewed_or_present(row)
    if row.expires_at is not None and timezone.now() >= row.expires_at:
        _end(PlatformConnection.objects.filter(pk=row.pk, sealed_tokens=row.sealed_tokens), problem="expired")
        raise NeedsReauth(str(row))
    return _opened(row).access


@sensitive_variables()
def _renewed_or_present(row: PlatformConnection) -> str:
    """A new token; while the platform does not give one, the present one as long as it lasts."""
    try:
        return renew(row.pk).access
    except SourceError:
        if row.expires_at is None or row.expires_at <= timezone.now():
            raise
        return _opened(row).access


@sensitive_variables()
def refused(connection_id: int, token: str) -> None:
    """The platform's data API did not accept `token`: have it renewed before it is used again, or note that it cannot
    be. A token that was replaced meanwhile changes nothing."""
    row = _row(connection_id)
    if _opened(row).access != token:
        return
    same = PlatformConnection.objects.filter(pk=row.pk, sealed_tokens=row.sealed_tokens)
    if row.renewable:
        same.update(renew_at=timezone.now())
    else:
        _end(same, problem="refused")


@sensitive_variables()
def renew(connection_id: int) -> Tokens:
    """New tokens for a connection whose tokens are to be renewed; what is there, if somebody else has just done it.
    Raises as `access_token`.
    """
    until = time.monotonic() + PATIENCE
    claim = secrets.token_hex(16)
    while not _claimed(connection_id, claim):
        row = _row(connection_id)
        if not _is_due(row):
            return _opened(row)
        if time.monotonic() >= until:
            raise SourceUnavailable(row.provider, "its tokens are being renewed by somebody else")
        time.sleep(LOOK)
    row = _row(connection_id)
    if not _is_due(row):
        _of(row, claim).update(**NO_CLAIM)
        return _opened(row)
    try:
        return _renewed(row, claim)
    except BaseException:
        _of(row, claim).update(**NO_CLAIM)
        raise


def renew_due() -> int:
    """Renew all that are due, and note what has expired; how many have new tokens by now. Failures are logged, and
    tried again by the next round."""
    now = timezone.now()
    _end(_working(renewable=False).filter(expires_at__lte=now), problem="expired")
    due = _renewable().filter(renew_at__lte=now, user__is_active=True)  # others' access ends by itself
    platforms = list(due.order_by().values_list("provider", flat=True).distinct())
    until = time.monotonic() + ROUND
    return sum(_renew_first(due.filter(provider=slug), until=until) for slug in platforms)


def _renew_first(due: QuerySet[PlatformConnection], *, until: float) -> int:
    """Renew the first of one platform's; those of one that is away must not take the places of the others'."""
    renewed = 0
    for pk in list(due.order_by("renew_at").values_list("pk", flat=True)[:ENOUGH]):
        if time.monotonic() >= until:
            break
        try:
            renew(pk)
            renewed += 1
        except (NotConnected, SourceError) as error:
            logger.info("connection %s is not renewed: %s", pk, error)
        except Exception:
            logger.exception("connection %s is not renewed", pk)  # its tokens must not keep all that come after it
    return renewed


ROUND = 25.0
"""Seconds after which a round ends, before beat begins the next: slow platforms must not fill the workers with rounds
that wait for one another."""
ENOUGH = 200
"""Connections of one platform that one round of the task renews."""


def _working(**which: Any) -> QuerySet[PlatformConnection]:
    return PlatformConnection.objects.filter(
        status__in=(ConnectionStatus.CONNECTED, ConnectionStatus.EXPIRING), sealed_tokens__gt="", **which
    )


def _renewable() -> QuerySet[PlatformConnection]:
    """Those that work, and those whose platform was away when they were to be renewed. Of this table alone: an UPDATE
    over a join finds its rows in a subquery, which PostgreSQL does not look at again once it has the row's lock."""
    states = (ConnectionStatus.CONNECTED, ConnectionStatus.EXPIRING, ConnectionStatus.ERROR)
    return PlatformConnection.objects.filter(status__in=states, renewable=True, sealed_tokens__gt="")


def _row(connection_id: int) -> PlatformConnection:
    row = PlatformConnection.objects.filter(pk=connection_id).first()
    if row is None or not row.is_active:
        raise NotConnected(f"connection {connection_id} was ended")
    if row.status == ConnectionStatus.NEEDS_REAUTH or not row.sealed_tokens:
        raise NeedsReauth(str(row))
    return row


def _is_due(row: PlatformConnection) -> bool:
    return row.renewable and row.renew_at is not None and row.renew_at <= timezone.now()


def _claimed(connection_id: int, claim: str) -> bool:
    """Whether this call is the one that refreshes: the database lets one through."""
    free = Q(refresh_claimed_until__isnull=True) | Q(refresh_claimed_until__lt=Now())
    changed = _renewable().filter(free, pk=connection_id)
    return changed.update(refresh_claim=claim, refresh_claimed_until=Now() + CLAIMED_FOR) == 1


def _of(row: PlatformConnection, claim: str) -> QuerySet[PlatformConnection]:
    """The row, as long as nobody has connected or disconnected it since it was claimed."""
    return PlatformConnection.objects.filter(pk=row.pk, refresh_claim=claim)


@sensitive_variables()
def _renewed(row: PlatformConnection, claim: str) -> Tokens:
    try:
        provider = get_provider(row.provider)
        granted = oauth.refresh(provider, _opened(row), tuple(row.scopes))
    except OAuthRefused as error:
        return _after_refusal(row, claim, error)
    except UnknownProvider:
        if row.expires_at is not None and row.expires_at <= timezone.now():
            _of(row, claim).update(status=ConnectionStatus.ERROR, problem="not_offered", **NO_CLAIM)
        raise NotConnected(f"{row.provider} is not offered any more") from None
    except SourceError as error:
        _note_failure(row, claim, error, now=timezone.now())
        raise
    return _stored(row, claim, granted, provider)


@sensitive_variables()
def _stored(row: PlatformConnection, claim: str, granted: Granted, provider: Provider) -> Tokens:
    """The tokens that count now. Those of a claim that was lost (the connection was ended, made anew, or renewed by
    somebody else after a long stall) are given back, unless that would end those that count, too."""
    values = columns(granted, user_id=row.user_id, provider=row.provider, now=timezone.now())
    if _of(row, claim).update(**values):
        return granted.tokens
    present = PlatformConnection.objects.filter(pk=row.pk, sealed_tokens__gt="").first()
    if present is None or (ends_apart(provider) and _opened(present).refresh != granted.tokens.refresh):
        text = sealed(granted.tokens, user_id=row.user_id, provider=row.provider)
        note = revocations.note(
            user_id=row.user_id, provider=row.provider, sealed_tokens=text, account_id=row.account_id
        )
        revocations.attempt([note])
    return _opened(_row(row.pk))


@sensitive_variables()
def _after_refusal(row: PlatformConnection, claim: str, error: OAuthRefused) -> Tokens:
    """A refusal of the grant is final. Any other is not: the tokens stay. Where the user has connected anew meanwhile,
    it was of the older consent, and the newer one's tokens are good."""
    logger.warning("%s: the platform refused to renew it (%s)", row, error.code)
    mine = _of(row, claim)
    if error.code in GRANT_ENDED:
        if mine.update(status=ConnectionStatus.NEEDS_REAUTH, problem="refused", **NO_TOKENS):
            raise NeedsReauth(str(row))
    else:
        over = row.expires_at is not None and row.expires_at <= timezone.now()
        problem = "misconfigured" if error.code in OURS else "malformed"
        noted = {"status": ConnectionStatus.ERROR, "problem": problem} if over else {}
        if mine.update(**noted, **NO_CLAIM):
            raise SourceUnavailable(row.provider, f"it says {error.code}")
    return _opened(_row(row.pk))


def _note_failure(row: PlatformConnection, claim: str, error: SourceError, *, now: datetime) -> None:
    """The platform was away. That is an error for its user once the old token has ended too."""
    if row.expires_at is not None and row.expires_at <= now:
        problem = "malformed" if isinstance(error, SourceMalformed) else "unavailable"
        _of(row, claim).update(status=ConnectionStatus.ERROR, problem=problem, **NO_CLAIM)


def _end(rows: QuerySet[PlatformConnection], *, problem: str) -> None:
    rows.update(status=ConnectionStatus.NEEDS_REAUTH, problem=problem, **NO_TOKENS)


@sensitive_variables()
def _opened(row: PlatformConnection) -> Tokens:
    try:
        return opened(row.sealed_tokens, user_id=row.user_id, provider=row.provider)
    except Unreadable as error:
        logger.error("%s: %s", row, error)  # noqa: TRY400  # what happened is known; no trace with tokens in it
        with transaction.atomic(using=router.db_for_write(PlatformConnection)):
            same = PlatformConnection.objects.filter(pk=row.pk, sealed_tokens=row.sealed_tokens)
            same.update(status=ConnectionStatus.ERROR, problem="unreadable")
        raise NotConnected(f"{row}: {error}") from None
