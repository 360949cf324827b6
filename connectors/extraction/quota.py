"""What a platform says of its quota, and whether it is used up. Kept in the cache alone: while Redis is away it is not
known, and the platform's 429 says it instead."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cache_platform import StoreUnavailable, peek, put
from cache_platform.http import Answer, parse_retry_after
from connectors.platform_api import USED_UP
from connectors.policies import QUOTA
from connectors.schema import Quota

LONGEST = 3600.0
"""Seconds for which a platform's word is believed; it cannot stop a job for good."""
SECONDS_FROM = 1_000_000_000
"""From here on a reset is in unix seconds (as GitHub sends it), below it is in seconds from now (as the drafts of
RateLimit-Reset have it)."""

_NUMBER = re.compile(r"\s*(\d{1,12})\b")
_REMAINING = re.compile(r";\s*r=(\d{1,12})\b")
_RESET = re.compile(r";\s*t=(\d{1,12})\b")
_LIMIT = re.compile(r";\s*q=(\d{1,12})\b")


def used_up_until(connection_id: int, *, now: float) -> float | None:
    """The unix second before which the platform is not to be asked; None when it may be, or when that is not known."""
    try:
        quota = peek(QUOTA, {"connection_id": connection_id})
    except StoreUnavailable:
        return None
    if quota is None or quota.remaining > 0 or quota.resets_at <= now:
        return None
    return min(quota.resets_at, now + LONGEST)


def note(connection_id: int, answer: Answer, *, now: float) -> Quota | None:
    """Remember what `answer` says of the quota; what that is, None when it says nothing."""
    quota = read_quota(answer, now=now)
    if quota is not None:
        put(QUOTA, {"connection_id": connection_id}, quota)
    return quota


def read_quota(answer: Answer, *, now: float) -> Quota | None:
    """The quota in an answer's headers: X-RateLimit-Limit, -Remaining and -Reset, the same without `X-`, or RateLimit
    and RateLimit-Policy of the later drafts (draft-ietf-httpapi-ratelimit-headers). A 429 means that nothing is left,
    until Retry-After where it has one. None when it is not said how much is left, or until when."""
    headers = answer.headers
    remaining = _first(headers, "remaining", _REMAINING)
    resets_at = _moment(_first(headers, "reset", _RESET), now)
    if answer.status == USED_UP:
        remaining = 0
        wait = parse_retry_after(headers.get("retry-after"), now=now)
        resets_at = resets_at if wait is None else now + wait
    if remaining is None or resets_at is None:
        return None
    limit = _first(headers, "limit", _LIMIT, parameters_of="ratelimit-policy")
    return Quota(limit=remaining if limit is None else limit, remaining=remaining, resets_at=resets_at)


def _first(
    headers: Mapping[str, str], name: str, parameter: re.Pattern[str], *, parameters_of: str = "ratelimit"
) -> int | None:
    for header in (f"x-ratelimit-{name}", f"ratelimit-{name}"):
        if match := _NUMBER.match(headers.get(header, "")):
            return int(match[1])
    match = parameter.search(headers.get(parameters_of, ""))
    return int(match[1]) if match else None


def _moment(reset: int | None, now: float) -> float | None:
    if reset is None:
        return None
    return min(float(reset) if reset >= SECONDS_FROM else now + reset, now + LONGEST)
