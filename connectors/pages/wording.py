"""States, failures and times of platforms in words. Pure functions."""

from __future__ import annotations

import math
from datetime import datetime

from connectors.connections import Disconnected
from connectors.schema import State

STATES: dict[State, tuple[str, str]] = {
    "connected": ("Connected", "good"),
    "expiring": ("Expiring", "warn"),
    "needs_reauth": ("Sign-in needed", "bad"),
    "error": ("Error", "bad"),
    "disconnected": ("Not connected", ""),
}
"""How a state is called, and which colour goes with the word."""

PROBLEMS = {
    "refused": "{name} does not accept the access any more. Reconnect to go on.",
    "expired": "The access to {name} has ended. Reconnect to go on.",
    "unavailable": "{name} does not answer. It is asked again by itself; you can also reconnect.",
    "malformed": "{name} answers with something that cannot be understood. It is asked again by itself.",
    "misconfigured": "{name} does not know this site. Those who run the site have to see to that.",
    "not_offered": "{name} is not offered here any more.",
    "not_renewed": "The access to {name} has ended and is not renewed yet. It is tried again by itself.",
    "unreadable": "The stored access cannot be read any more. Reconnect to go on.",
}
FAILURES = {
    "disconnected": "it was disconnected meanwhile",
    "account_changed": "another account was connected meanwhile",
    "needs_reauth": "{name} wants you to sign in there again",
    "refused": "{name} refused the access",
    "unavailable": "{name} did not answer",
    "malformed": "{name} sent something that cannot be understood",
    "not_connected": "this site could not use its access to {name}",
    "not_offered": "{name} is not offered here any more",
    "crashed": "it failed again and again",
    "rate_limited": "the quota at {name} is used up",
}
MINUTE, HOUR, DAY = 60, 3600, 86_400


def problem_words(problem: str, name: str) -> str:
    """What is wrong with a connection with the platform called `name`, and what to do about it."""
    return PROBLEMS.get(problem, "The connection with {name} does not work. Reconnect to go on.").format(name=name)


def failure_words(problem: str, name: str) -> str:
    """Why an extraction from the platform called `name` failed."""
    return FAILURES.get(problem, "something went wrong while reading from {name}").format(name=name)


def until(time: datetime, now: datetime) -> str:
    """How long until then, as in `in 5 min`; `now` for what is past."""
    seconds = (time - now).total_seconds()
    if seconds <= 0:
        return "now"
    for size, unit in ((DAY, "day"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"in {count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"in {math.ceil(seconds)} s"


def disconnected_words(name: str, done: Disconnected) -> str:
    """What became of a connection that its user ended."""
    return f"{name} is disconnected, and what was extracted from it is deleted. {_revocation(name, done)}".strip()


def _revocation(name: str, done: Disconnected) -> str:
    match done.revocation:
        case "revoked":
            return f"{name} has taken the access back."
        case "pending":
            return f"{name} did not answer; it will be asked again to take the access back."
        case "failed":
            return f"{name} could not be made to take the access back: remove this site in your settings there."
        case "unsupported":
            return f"{name} has no way to take the access back: remove this site in your settings there, too."
    return ""
