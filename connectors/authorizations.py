"""Connecting: sending a person to a platform, and what is done when the person comes back."""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import router, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from cache_platform import invalidate
from cache_platform.exceptions import SourceError, SourceMalformed, SourceRefused
from connectors import bindings, oauth, platform_api, revocations
from connectors.connections import end_jobs
from connectors.definitions import Provider, ends_apart
from connectors.grants import columns
from connectors.models import AuthorizationRequest, PlatformConnection, TokenRevocation
from connectors.models.platform_connection import LONGEST_ACCOUNT
from connectors.oauth import Granted, OAuthRefused
from connectors.platform_api import at, oauth_source
from connectors.providers import UnknownProvider, address, get_provider, redirect_uri
from connectors.sealing import Unreadable, seal, unseal
from connectors.tokens import sealed

logger = logging.getLogger(__name__)

LIFE = timedelta(minutes=10)
"""How long a person may take at the platform."""
MOST_REQUESTS = 20
"""Walks of one user that may be open at once; the oldest is forgotten for the next."""
PURPOSE = "verifier"


class CallbackRefused(Exception):
    """A callback that connects nothing. `reason` is a word for programs, `detail` a sentence for people."""

    def __init__(self, reason: str, detail: str, *, provider: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail
        self.provider = provider


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account it is at the platform."""

    id: str
    name: str


@sensitive_variables()
def begin(*, user_id: int, provider: Provider, binding: str) -> str:
    """The address of the platform's consent page. What comes back from it is good once, for 10 minutes, and only from
    whoever has the same binding (connectors.bindings)."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    url = oauth.authorization_url(provider, state=state, verifier=verifier)
    now = timezone.now()
    with transaction.atomic(using=router.db_for_write(AuthorizationRequest)):
        mine = AuthorizationRequest.objects.filter(user_id=user_id)
        mine.filter(expires_at__lte=now).delete()
        mine.filter(pk__in=list(mine.values_list("pk", flat=True)[MOST_REQUESTS - 1 :])).delete()
        AuthorizationRequest.objects.create(
            state_digest=_digest(state),
            user_id=user_id,
            provider=provider.slug,
            binding=binding,
            sealed_verifier=seal(PURPOSE, f"{user_id}:{provider.slug}", verifier.encode()),
            redirect_uri=redirect_uri(),
            created_at=now,
            expires_at=now + LIFE,
        )
    return url


@sensitive_variables()
def complete(*, user_id: int, binding: str, code: str, state: str, iss: str | None = None) -> PlatformConnection:
    """Connect: exchange the code, ask whose account it is, and store the tokens, encrypted.

    Raises CallbackRefused when anything of it is wrong or the platform refuses, and SourceError when the platform is
    away or answers nonsense. Nothing is connected then, and the state is spent, unless its own user brought it from
    elsewhere.
    """
    request, provider = _spent(user_id=user_id, binding=binding, state=state)
    if provider.issuer and not constant_time_compare(iss or "", address(provider, provider.issuer)):
        raise CallbackRefused(
            "wrong_issuer", "The answer did not come from the platform that you were sent to.", provider=provider.slug
        )
    try:
        verifier = unseal(PURPOSE, f"{user_id}:{provider.slug}", request.sealed_verifier).decode()
    except Unreadable:
        raise CallbackRefused(
            "unreadable", "What began this is not readable any more.", provider=provider.slug
        ) from None
    try:
        granted = oauth.fetch(provider, code=code, verifier=verifier, redirect=request.redirect_uri)
    except OAuthRefused as error:
        logger.warning("%s refused a code: %s", provider.slug, error.code)
        detail = f"{provider.name} did not accept the answer ({error.code})."
        raise CallbackRefused("refused", detail, provider=provider.slug) from None
    account = _account(user_id, provider, granted)
    try:
        row, before = _stored(user_id, provider, granted, account)
    except Exception:
        _give_back(user_id, provider, granted)  # nobody else knows of these tokens
        raise
    revocations.attempt(before)
    return row


def decline(*, user_id: int, binding: str, state: str, error: str) -> Provider:
    """Spend the state of a walk that the platform ended with `error`, one of RFC 6749's codes; which platform it was.
    Raises CallbackRefused for a state that is not good."""
    provider = _spent(user_id=user_id, binding=binding, state=state)[1]
    logger.info("%s sent user %s back: %s", provider.slug, user_id, error)
    return provider


def forget_requests() -> int:
    """Delete the walks that nobody came back from; how many."""
    return AuthorizationRequest.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _spent(*, user_id: int, binding: str, state: str) -> tuple[AuthorizationRequest, Provider]:
    """The request of a state, which is used up by this. Also when another person brings it, since it has leaked then;
    but not when its own user does from elsewhere, who may still bring it from where it was begun."""
    request = AuthorizationRequest.objects.filter(state_digest=_digest(state)).first()
    if request is not None and request.user_id == user_id and not constant_time_compare(request.binding, binding):
        raise CallbackRefused("foreign_state", _elsewhere(request), provider=request.provider)
    if request is None or not AuthorizationRequest.objects.filter(pk=request.pk).delete()[0]:
        raise CallbackRefused(
            "unknown_state", "This answer was used already, or belongs to nothing that was begun here."
        )
    if request.user_id != user_id:
        logger.warning("a state of user %s came back from somewhere else", request.user_id)
        raise CallbackRefused("foreign_state", "This was begun by somebody else.")
    if request.expires_at <= timezone.now():
        raise CallbackRefused("expired_state", "That took longer than 10 minutes.", provider=request.provider)
    try:
        return request, get_provider(request.provider)
    except UnknownProvider:
        raise CallbackRefused("unknown_provider", "That platform is not offered any more.") from None


def _elsewhere(request: AuthorizationRequest) -> str:
    if request.binding.startswith(bindings.SESSION):
        return "You began this in another browser. Finish it there, or begin anew here."
    return "A program of yours began this. Give it the address of this page, or begin anew here."


@sensitive_variables()
def _account(user_id: int, provider: Provider, granted: Granted) -> Account:
    """Whose account the tokens open. They are given back where that cannot be told."""
    try:
        answer = platform_api.ask(
            provider, provider.profile.url, granted.tokens.access, deadline=oauth_source(provider.slug).deadline()
        )
        if answer.status != 200:
            raise SourceRefused(provider.name, f"HTTP {answer.status} for new tokens")
        profile = platform_api.json_of(provider, answer)
        found = [_text(at(profile, path)) for path in (provider.profile.id, *provider.profile.name)]
        if not found[0]:
            raise SourceMalformed(provider.name, "the profile has no id")
    except SourceError:
        _give_back(user_id, provider, granted)
        raise
    return Account(id=found[0], name=next(filter(None, found[1:]), found[0]))


def _text(value: Any) -> str:  # noqa: ANN401  # any JSON
    """A text or whole number as text of this site: printable and not too long."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return "".join(letter for letter in str(value) if letter.isprintable()).strip()[:LONGEST_ACCOUNT]


@sensitive_variables()
def _stored(
    user_id: int, provider: Provider, granted: Granted, account: Account
) -> tuple[PlatformConnection, list[TokenRevocation]]:
    """The connection with what was granted. Its record is the one from before, if there was one; what was extracted
    from another account goes, and that one's tokens are taken back."""
    now = timezone.now()
    before = []
    with transaction.atomic(using=router.db_for_write(PlatformConnection)):
        row, _ = PlatformConnection.objects.get_or_create(user_id=user_id, provider=provider.slug)
        row = PlatformConnection.objects.select_for_update().get(pk=row.pk)
        same = row.account_id == account.id
        if not same:
            row.replaced_account = row.account_name
            end_jobs(row, problem="account_changed")
            row.items.all().delete()
            invalidate(f"quota:{row.pk}")
            row.last_sync_at, row.last_sync_status = None, ""
        if not ends_apart(provider):  # what takes this account's older tokens back would end these
            waiting = TokenRevocation.objects.filter(owner_id=user_id, provider=provider.slug)
            waiting.filter(account_id__in=(account.id, "")).delete()
        if row.sealed_tokens and (ends_apart(provider) or not same):
            before.append(revocations.note_tokens_of(row))
        for name, value in columns(granted, user_id=user_id, provider=provider.slug, now=now).items():
            setattr(row, name, value)
        row.account_id, row.account_name = account.id, account.name
        row.connected_at, row.disconnected_at = now, None
        row.save()
    return row, before


@sensitive_variables()
def _give_back(user_id: int, provider: Provider, granted: Granted) -> None:
    """Have tokens that nobody else knows of taken back, unless that would end the connection that there is."""
    there = PlatformConnection.objects.filter(user_id=user_id, provider=provider.slug, sealed_tokens__gt="")
    if ends_apart(provider) or not there.exists():
        text = sealed(granted.tokens, user_id=user_id, provider=provider.slug)
        note = revocations.note(user_id=user_id, provider=provider.slug, sealed_tokens=text)
        revocations.attempt([note])
