"""Access and refresh tokens: JSON Web Tokens (RFC 7519), signed with HS256 and no other algorithm.

A refresh token is good for one exchange (RFC 9700, section 4.14.2). One that comes a second time was stolen, or its
answer was lost; which of them cannot be told, so its whole family ends. No token is stored or logged.
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from accounts.grants import TokenGrant
from accounts.identity import identity_of
from accounts.models import TokenFamily, User
from accounts.origins import origin_of
from accounts.policies import JWT
from cache_platform import get_or_load

logger = logging.getLogger(__name__)

LONGEST_TOKEN = 2048
TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client gets. The tokens are not in its repr, so that no log or error page shows them."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: int
    """Seconds that the access token is good for."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says that was made here, is of the right type and has not expired; it may have been revoked."""

    user_id: int
    family: UUID
    token_id: str
    expires: float
    """Unix seconds."""
    digest: str
    """SHA-256 of the token, by which it is known from here on."""


def issue(user: User, request: HttpRequest) -> TokenPair:
    """The first tokens of a new family; the user's password has just been checked."""
    refresh, origin = RefreshToken(), origin_of(request)
    family = TokenFamily(
        user=user,
        stamp=user.get_session_auth_hash(),
        user_agent=origin.user_agent,
        address=origin.address,
    )
    refresh["user_id"], refresh["family"] = str(user.pk), family.pk.hex
    with transaction.atomic():
        TokenFamily.objects.filter(user=user, expires_at__lte=refresh.current_time).delete()
        _renew(family, refresh).save(force_insert=True)
    return _pair(refresh)


def exchange(claims: Claims) -> TokenPair | None:
    """New tokens for a refresh token, which is used up by that; None when it was revoked, and then so is its family."""
    with transaction.atomic():
        family = _find(claims, lock=True)
        if family is None:
            return None
        if not constant_time_compare(family.refresh_digest, _digest_of(claims.token_id)):
            _end(family)
            logger.warning("a used refresh token of user %d came again; its family is revoked", claims.user_id)
            return None
        refresh = RefreshToken()
        refresh["user_id"], refresh["family"] = str(claims.user_id), claims.family.hex
        _renew(family, refresh).save(update_fields=["refresh_digest", "last_used_at", "expires_at"])
    return _pair(refresh)


def revoke(claims: Claims) -> None:
    """End the family of a refresh token: no token of it is accepted by any request that starts after this."""
    with transaction.atomic():
        family = _find(claims, lock=True)
        if family is not None:
            _end(family)


def granted_by_token(claims: Claims) -> TokenGrant | None:
    """What an access token grants, from the cache; None when it was revoked. Raises what get_or_load raises."""
    return get_or_load(JWT, token_params(claims), lambda **_: _load(claims))


def token_params(claims: Claims) -> dict[str, Any]:
    """The parameters of an access token's entry."""
    return {"user_id": claims.user_id, "token": claims.digest}


def parse_access(text: str) -> Claims | None:
    """What an access token says; None for what is none of ours, or has expired."""
    return _parse(AccessToken, text)


def parse_refresh(text: str) -> Claims | None:
    """What a refresh token says; None for what is none of ours, or has expired."""
    return _parse(RefreshToken, text)


def _parse(kind: type[Token], text: str) -> Claims | None:
    # One spelling per token: base64url with padding would be other texts of the same token, each an entry of its own.
    if len(text) > LONGEST_TOKEN or not TOKEN.fullmatch(text):
        return None
    try:
        payload: dict[str, Any] = kind(text).payload  # type: ignore[arg-type]  # the library means its text
        return Claims(
            user_id=int(payload["user_id"]),
            family=UUID(payload["family"]),
            token_id=str(payload["jti"]),
            expires=float(payload["exp"]),
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
    except (TokenError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _load(claims: Claims) -> TokenGrant | None:
    family = _find(claims)
    if family is None:
        return None
    return TokenGrant(identity=identity_of(family.user), family=family.pk, expires=claims.expires)


def _find(claims: Claims, *, lock: bool = False) -> TokenFamily | None:
    """The token's family with its user, if neither it, the user, nor the user's stamp has ended it."""
    rows = TokenFamily.objects.select_for_update(of=("self",)) if lock else TokenFamily.objects.all()
    family = rows.select_related("user").filter(pk=claims.family, revoked_at=None, user__is_active=True).first()
    if family is None or family.user_id != claims.user_id:
        return None
    if not constant_time_compare(family.stamp, family.user.get_session_auth_hash()):
        return None
    return family


def _renew(family: TokenFamily, refresh: RefreshToken) -> TokenFamily:
    family.refresh_digest = _digest_of(refresh["jti"])
    family.last_used_at = refresh.current_time
    family.expires_at = datetime.fromtimestamp(refresh["exp"], UTC)
    return family


def _end(family: TokenFamily) -> None:
    family.revoked_at = datetime.now(UTC)
    family.save(update_fields=["revoked_at"])


def _digest_of(token_id: str) -> str:
    return salted_hmac("accounts.tokens.refresh", token_id, algorithm="sha256").hexdigest()


def _pair(refresh: RefreshToken) -> TokenPair:
    access = refresh.access_token
    seconds = int(access["exp"]) - int(refresh["iat"])
    return TokenPair(access=str(access), refresh=str(refresh), expires_in=seconds)
