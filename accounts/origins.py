"""Where a sign-in came from, to be shown to the user whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from cache_platform.rest.callers import UNKNOWN, caller_of

LONGEST_USER_AGENT = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """What the client calls itself, and its address, an IPv6 one as its /64 network; each may be empty."""

    user_agent: str
    address: str


def origin_of(request: HttpRequest) -> Origin:
    """The origin of `request`."""
    caller = caller_of(request)
    agent = "".join(character for character in request.headers.get("User-Agent", "") if character.isprintable())
    return Origin(agent[:LONGEST_USER_AGENT], "" if caller == UNKNOWN else caller.removeprefix("ip:"))
