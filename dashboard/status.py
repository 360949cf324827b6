"""What a card says about itself: its state, its age, and what the visitor should know about both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from cache_platform import Read
from dashboard.answers import Answer, Failure, Outcome, Trouble
from dashboard.wording import absolute, ago, duration

State = Literal["fresh", "cached", "stale", "late", "error"]

LEAST_WAIT = 2
"""Seconds below which no waiting time is named: the button is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a card. `soon`: a newer answer is on its way, so asking again in a moment is worth it."""

    state: State
    label: str
    note: str = ""
    age: str = ""
    updated: str = ""
    updated_title: str = ""
    soon: bool = False


def status_of(outcomes: Sequence[Outcome[Any]], source: str, now: datetime) -> Status:
    """The state of a card made of `outcomes`: that of its worst part, with the age of its oldest one."""
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if not answers:
        return _without_answer(failures[0], source)
    read = max((answer.read for answer in answers), key=_badness)
    age = max(answer.read.age for answer in answers)
    updated = now - timedelta(seconds=age)
    return Status(
        state=_state(read),
        label=_label(read, source),
        note=_note(read, source),
        age=ago(age),
        updated=updated.isoformat(timespec="seconds"),
        updated_title=absolute(updated),
        soon=read.detail in {"revalidating", "provider-slow"} or any(f.trouble is Trouble.LATE for f in failures),
    )


def _badness(read: Read[Any]) -> tuple[int, float]:
    return ("fresh", "cached", "stale").index(_state(read)), read.age


def _state(read: Read[Any]) -> Literal["fresh", "cached", "stale"]:
    if read.source == "stale":
        return "stale"
    return "cached" if read.cached else "fresh"


def _label(read: Read[Any], source: str) -> str:
    match _state(read):
        case "stale":
            return "Last good answer"
        case "cached":
            return f"From cache, renewed in {duration(read.ttl)}"
    return f"Fresh from {source}"


def _note(read: Read[Any], source: str) -> str:
    """What to say about a stale answer; empty for others, and where a newer one is about to come."""
    if read.source != "stale" or read.detail == "revalidating":
        return ""
    if read.detail == "budget":
        return f"{source} has been asked often enough for now. This is the last answer from it."
    verb = "is slow to answer" if read.detail == "provider-slow" else "does not respond"
    return f"{source} {verb}. This is its last good answer."


def _without_answer(failure: Failure, source: str) -> Status:
    wait = failure.retry_after or 0
    again = f"Try again in {duration(wait)}." if wait >= LEAST_WAIT else "Try again in a moment."
    match failure.trouble:
        case Trouble.LATE:
            return Status(state="late", label=f"Waiting for {source}", note=f"{source} takes longer than usual.")
        case Trouble.SOURCE:
            note = f"{source} does not respond, and there is no earlier answer to show. {again}"
        case Trouble.SEARCHES:
            note = f"You have searched very often in a short time. {again}"
        case Trouble.BUDGET:
            note = f"{source} has been asked for a lot that is new in a short time. {again}"
        case Trouble.BUSY:
            note = f"Many people ask for something new at this moment. {again}"
        case _:
            note = "Something went wrong on our side; it has been logged."
    return Status(state="error", label="Not available", note=note)
