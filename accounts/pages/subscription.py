"""The subscription on the account's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Plan, Status
from accounts.pages.wording import Moment, day, moment
from accounts.schema import SubscriptionState

NEARLY_ALL = 0.8
"""The share of a limit from which its bar warns."""

STATUS_WORDS = {
    Status.ACTIVE: ("Active", "good"),
    Status.TRIALING: ("Trial", "good"),
    Status.PAST_DUE: ("Payment due", "warn"),
    Status.CANCELLED: ("Cancelled", "bad"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """How much of a limit is used. `level` is empty, `near` or `full`; `most` is None where there is no limit."""

    id: str
    label: str
    used: int
    most: int | None
    words: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCard:
    """What the page says of a subscription, and what can be done with it."""

    plan: str
    plan_name: str
    status: str
    mood: str
    until: str
    period_end: Moment | None
    meters: tuple[Meter, ...]
    plans: tuple[tuple[str, str], ...]
    can_cancel: bool
    can_resume: bool


def subscription_card(state: SubscriptionState, now: datetime) -> SubscriptionCard:
    """The card for `state`."""
    plan, status, end = Plan(state.plan), Status(state.status), state.period_end
    words, mood = STATUS_WORDS[status]
    cancelled = status is Status.CANCELLED
    return SubscriptionCard(
        plan=plan.value,
        plan_name=str(plan.label),
        status=words,
        mood=mood,
        until=_until(end, cancelled=cancelled, now=now),
        period_end=moment(end, day(end)) if end else None,
        meters=tuple(
            _meter(name, state.usage.get(name, 0), state.limits.get(name)) for name in {**state.limits, **state.usage}
        ),
        plans=tuple((choice.value, str(choice.label)) for choice in Plan),
        can_cancel=plan is not Plan.FREE and not cancelled,
        can_resume=cancelled,
    )


def _until(end: datetime | None, *, cancelled: bool, now: datetime) -> str:
    if end is None:
        return "Without an end."
    if end <= now:
        return "Ended on"
    return "Ends on" if cancelled else "Renews on"


def _meter(name: str, used: int, most: int | None) -> Meter:
    level = ""
    if most is not None and used >= most * NEARLY_ALL:
        level = "full" if used >= most else "near"
    return Meter(
        id=f"usage-{name}",
        label=name.replace("_", " ").capitalize(),
        used=used,
        most=most,
        words=f"{used:,}" if most is None else f"{used:,} of {most:,}",
        level=level,
    )
