"""Attempts at a password: so many at one account from one address, and so many from one address at all accounts.

A slot is taken before the password is looked at, because checks that run at the same time would else all pass, and
given back when it was right: whoever knows the password is not limited.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from django.http import HttpRequest

from cache_platform.presets import preset
from cache_platform.ratelimits import Decision, take_slots
from cache_platform.rest.callers import UNKNOWN, caller_of

ATTEMPT = "accounts.attempt"
BUSY_SECONDS = 2.0
LONGEST_NAME = 150
"""What no account's name is longer than."""


def begin_attempt(name: str, request: HttpRequest | None) -> Decision:
    """Take a slot for an attempt at the account called `name`, if there is one. One round trip.

    Never raises for a Redis that is away.
    """
    address = UNKNOWN if request is None else caller_of(request)
    decision = take_slots(
        [preset("auth").wish("account", one_spelling(name), address), preset("auth_address").wish(address)]
    )
    _leave(decision, request)
    return decision


def end_well(decision: Decision, request: HttpRequest | None) -> None:
    """Give the slot of an admitted attempt back: the password was right."""
    if decision.slot is not None:
        decision.slot.give_back()
    _leave(replace(decision, remaining=min(decision.limit, decision.remaining + 1), slot=None), request)


def end_unchecked(decision: Decision, request: HttpRequest | None) -> None:
    """Give the slot of an admitted attempt back whose password nobody had the time to look at. It is refused for a
    moment; what is left of the limit is not told, since that is not why."""
    if decision.slot is not None:
        decision.slot.give_back()
    _leave(replace(decision, allowed=False, retry_after=BUSY_SECONDS, shadow=True, slot=None), request)


def attempt_of(request: HttpRequest) -> Decision | None:
    """What was decided of the last attempt of this request, if there was one; `remaining` knows how it ended."""
    decision: Decision | None = request.META.get(ATTEMPT)
    return decision


def refusal_of(request: HttpRequest) -> Decision | None:
    """The same, when it was refused; else None."""
    decision = attempt_of(request)
    return None if decision is None or decision.allowed else decision


def one_spelling(name: str) -> str:
    """The same text for all spellings that reach one account: the forms normalize names by NFKC, the API does not, and
    some databases compare without regard to case."""
    return unicodedata.normalize("NFKC", str(name)[:LONGEST_NAME]).casefold()


def _leave(decision: Decision, request: HttpRequest | None) -> None:
    if request is not None:
        request.META[ATTEMPT] = decision
