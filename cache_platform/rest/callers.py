"""Who is calling: the identity that load budgets are charged to."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest

from cache_platform.conf import conf

UNKNOWN = "ip:unknown"


def caller_of(request: HttpRequest) -> str:
    """`ip:<address>`, an IPv6 address by its /64 network, which one household owns whole.

    Behind n trusted proxies it is the n-th address from the right of X-Forwarded-For: what stands further left was
    written by the client and may be anything.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    hops = conf.trusted_proxies
    if hops:
        forwarded = [part.strip() for part in str(request.META.get("HTTP_X_FORWARDED_FOR", "")).split(",")]
        address = forwarded[-hops] if len(forwarded) >= hops else address
    return _network(address)


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return f"ip:{parsed.ipv4_mapped}"
        return f"ip:{ipaddress.ip_network((parsed, 64), strict=False).network_address}"
    return f"ip:{parsed}"
