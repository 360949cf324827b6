"""Bearer tokens (RFC 6750) and quotas before every profile and data request."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from sandbox.oauth import state
from sandbox.oauth.definitions import Platform
from sandbox.oauth.records import Grant
from sandbox.oauth.switches import DEFAULT_QUOTA
from sandbox.platforms.quotas import Allowance, quotas
from sandbox.platforms.refusals import Refused, refusal
from sandbox.providers import Provider, WrappedView, provided_by
from sandbox.replies import Endless, html_reply

RETRY_AFTER = 30

DataView = Callable[[HttpRequest, str], Coroutine[Any, Any, HttpResponse]]


def protected(platform: Platform, *, scope: str | None = None) -> Callable[[DataView], WrappedView]:
    """Make `view(request, account)` a platform's: for a good token that has `scope`, within the quota."""

    def decorate(view: DataView) -> WrappedView:
        @provided_by(_failing(platform.slug))
        @wraps(view)
        async def answer(request: HttpRequest) -> HttpResponse:
            now = time.time()
            try:
                granted = _bearer(platform, request.headers.get("Authorization", ""), now)
            except Refused as refused:
                return refusal(platform.slug, refused)
            limit = state.switches.now.quota
            limit = DEFAULT_QUOTA if limit is None else limit
            allowance = quotas.take(platform.slug, granted.account, limit=limit, now=now)
            try:
                _check(platform, allowance, scope, granted, now)
                response = await view(request, granted.account)
            except Refused as refused:
                response = refusal(platform.slug, refused)
            for name, value in allowance.headers().items():
                response[name] = value
            return response

        return answer

    return decorate


def _bearer(platform: Platform, header: str, now: float) -> Grant:
    """Return what the token was granted for; Refused with a challenge, which names no error if there is no token."""
    realm = f'Bearer realm="{platform.slug}"'
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Refused(401, "No access token was sent.", {"WWW-Authenticate": realm})
    token = state.store().find_token(platform.slug, text.strip(), "access")
    if token is None or not token.is_live(now):
        why = "The access token is expired, revoked or unknown."
        raise Refused(401, why, {"WWW-Authenticate": f'{realm}, error="invalid_token", error_description="{why}"'})
    return token.grant


def _check(platform: Platform, allowance: Allowance, scope: str | None, granted: Grant, now: float) -> None:
    if not allowance.granted:
        wait = max(1, math.ceil(allowance.reset - now))
        raise Refused(429, "The quota of this minute is used up.", {"Retry-After": str(wait)})
    if scope is not None and scope not in granted.scope.split():
        challenge = f'Bearer realm="{platform.slug}", error="insufficient_scope", scope="{scope}"'
        raise Refused(403, "The access token has not the scope for this.", {"WWW-Authenticate": challenge})


def _failing(slug: str) -> Provider:
    return Provider(
        service="platform",
        broken=lambda: refusal(slug, Refused(500, "Something went wrong on our side.")),
        rate_limited=lambda: refusal(slug, Refused(429, "Too many requests.", {"Retry-After": str(RETRY_AFTER)})),
        huge=Endless(head='{"items":[', item='{"id":"again","played_at":"2026-10-31T07:00:00Z"}', tail="]}"),
        malformed=html_reply,
    )
