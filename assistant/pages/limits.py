"""Rate limits of the pages' forms: the presets of the REST routes, for the same identities, so that both share them."""

from __future__ import annotations

import math

from django.http import HttpRequest, HttpResponse

from accounts.pages.frame import user_of
from accounts.pages.wording import wait_words
from cache_platform.exceptions import BudgetExceeded
from cache_platform.presets import preset
from cache_platform.ratelimits import Decision
from cache_platform.rest.callers import Caller, caller_of


def take(request: HttpRequest, name: str) -> Decision:
    """Take a slot of the preset `name` for the signed-in user, if there is one. One round trip."""
    caller = Caller(address=caller_of(request), user=str(user_of(request).pk))
    return preset(name).check(caller.identity("user"))


def too_many(decision: Decision, what: str) -> str:
    """What to say of a refused wish; `what` as in `uploads`."""
    return f"Too many {what}. Try again in {wait_words(decision.retry_after_seconds)}."


def too_varied(error: BudgetExceeded) -> str:
    """What to say to who has looked at too many different pages of a list."""
    return f"You have looked at very many different pages. Try again in {wait_words(math.ceil(error.retry_after))}."


def refused(response: HttpResponse, decision: Decision) -> HttpResponse:
    """`response` as a 429 (RFC 6585, section 4)."""
    response.status_code = 429
    response["Retry-After"] = str(decision.retry_after_seconds)
    return response
