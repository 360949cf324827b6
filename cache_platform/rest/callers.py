"""Who is calling: the identities that load budgets are charged to, and that rate limits go by."""

from __future__ import annotations

import ipaddress
import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from django.http import HttpRequest
from rest_framework.request import Request

from cache_platform.conf import conf

logger = logging.getLogger(__name__)

UNKNOWN = "ip:unknown"

By = Literal["user", "key", "ip"]
"""What a limit goes by. `user`: who is signed in, however, and the address of strangers. `key`: the API key, and
without one as for `user`. `ip`: the address, whoever is signed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling. `user` and `key` are what their rows are called, None without one."""

    address: str
    user: str | None = None
    key: str | None = None

    def identity(self, by: By) -> str:
        """The identity that a limit by `by` is for; its kind stands before it, so that no two kinds are alike."""
        if by == "ip":
            return self.address
        if by == "key" and self.key is not None:
            return f"key:{self.key}"
        return f"user:{self.user}" if self.user is not None else self.address


def caller_in(request: Request) -> Caller:
    """The caller of a request that is authenticated. What `request.auth` has as `key_id` is the API key."""
    user, key = request.user, getattr(request.auth, "key_id", None)
    return Caller(
        address=caller_of(request._request),
        user=str(user.pk) if user is not None and user.is_authenticated else None,
        key=None if key is None else str(key),
    )


def caller_of(request: HttpRequest) -> str:
    """`ip:<address>`, an IPv6 address by its /64 network, which one household owns whole.

    Behind n trusted proxies it is the n-th address from the right of X-Forwarded-For: what stands further left was
    written by the client and may be anything.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = conf.trusted_proxies
    if hops:
        forwarded = [part.strip() for part in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
        if len(forwarded) >= hops:
            hop = _network(forwarded[-hops])
            if hop != UNKNOWN:
                return hop
            _say_that_all_are_one()
    return _network(address)


@cache
def _say_that_all_are_one() -> None:
    """Once in a process: it would be said of every request."""
    logger.error("X-Forwarded-For has no address where TRUSTED_PROXIES says: all behind that proxy are one caller")


def _without_port(address: str) -> str:
    """Some proxies write `203.0.113.7:4711` or `[2001:db8::1]:4711`."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](:[0-9]{1,5})?", address)
    if bracketed is not None:
        return bracketed[1]
    host, colon, port = address.partition(":")
    return host if colon and port.isdigit() else address


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(_without_port(address).partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return f"ip:{parsed.ipv4_mapped}"
        return f"ip:{ipaddress.ip_network((parsed, 64), strict=False).network_address}"
    return f"ip:{parsed}"
