"""Subscriptions: plans, reading through the cache, and changing.

Nobody is charged here: a site that charges changes the status from its payment provider's events.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction
from django.utils import timezone

from accounts.models import Plan, Status, Subscription, User
from accounts.policies import SUBSCRIPTION
from accounts.schema import SubscriptionState
from accounts.usage import all_used, used
from cache_platform import Read, read

PERIOD = timedelta(days=30)

PLAN_LIMITS: dict[str, dict[str, int]] = {
    Plan.FREE: {"chat_messages": 100, "connections": 2, "documents": 10, "auras": 50},
    Plan.PRO: {"chat_messages": 2_000, "connections": 10, "documents": 30, "auras": 100},
    Plan.TEAM: {"chat_messages": 20_000, "connections": 50, "documents": 50, "auras": 150},
}
"""What a plan allows: messages in a period, of all else what there is at a time. A subscription's own `limits` go
before. Nobody has more documents or auras than their apps can bear, which is what the largest plan allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a user's plan allows of one thing, and how much of that is used."""

    plan: str
    most: int
    used: int

    @property
    def used_up(self) -> bool:
        """Whether there may be no more."""
        return self.used >= self.most

    def refusal(self, what: str) -> str:
        """What to say to who has used it up; `what` as in `documents; delete one first`."""
        return f"Your plan ({self.plan}) has {self.most} {what}, or choose another plan."


def read_subscription(*, user_id: int) -> Read[SubscriptionState]:
    """The user's subscription, through the cache; "not found" without such a user."""
    return read(SUBSCRIPTION, {"user_id": user_id}, load_subscription)


def load_subscription(user_id: int) -> SubscriptionState | None:
    """The subscription from the database; the free plan without one, None without such a user. One query, and one for
    each thing that is counted by its rows."""
    user = User.objects.filter(pk=user_id).select_related("subscription").first()
    if user is None:
        return None
    subscription = getattr(user, "subscription", None) or Subscription()
    limits = _limits(subscription)
    counted = all_used(user_id, _period_start(subscription, timezone.now()))
    return SubscriptionState(
        plan=cast(Any, subscription.plan),
        status=cast(Any, subscription.status),
        period_end=None if subscription.plan == Plan.FREE else subscription.period_end,
        limits=limits,
        usage=dict.fromkeys(limits, 0) | subscription.usage | counted,
    )


def allowance_of(user_id: int, name: str, *, now: datetime | None = None) -> Allowance:
    """What the user's plan allows of `name`, and how much of it is used, from the database in two queries. Who locks
    the user's row before lets nobody have more."""
    subscription = Subscription.objects.filter(user_id=user_id).first() or Subscription()
    return Allowance(
        plan=str(Plan(subscription.plan).label),
        most=_limits(subscription)[name],
        used=used(user_id, name, _period_start(subscription, now or timezone.now())),
    )


def change_subscription(
    *, user_id: int, plan: str | None = None, status: str | None = None, now: datetime | None = None
) -> SubscriptionState | None:
    """Choose a plan, cancel (`status="cancelled"`) or resume (`"active"`); the new state, None without such a user.

    Raises django's ValidationError, its messages by field, for what a user may not do.
    """
    if plan is None and status is None:
        return load_subscription(user_id)
    try:
        with transaction.atomic(using=router.db_for_write(Subscription)):
            subscription = Subscription.objects.select_for_update().get_or_create(user_id=user_id)[0]
            if plan is not None:
                _choose(subscription, plan, now or timezone.now())
            if status is not None:
                _switch(subscription, status, now or timezone.now())
            subscription.save()
    except IntegrityError:  # the user was deleted a moment ago
        return None
    return load_subscription(user_id)


def _limits(subscription: Subscription) -> dict[str, int]:
    agreed: dict[str, int] = subscription.limits
    return PLAN_LIMITS[subscription.plan] | agreed


def _period_start(subscription: Subscription, now: datetime) -> datetime:
    """When the present period began: it ends with the subscription, or whole periods before. Without an end to come,
    the last 30 days are one."""
    end = subscription.period_end
    return now - PERIOD if end is None or end <= now else end - PERIOD * -((now - end) // PERIOD)


def _choose(subscription: Subscription, plan: str, now: datetime) -> None:
    """A plan brings its limits, and a new period unless one is running. What is owed stays owed."""
    if plan not in PLAN_LIMITS:
        raise ValidationError({"plan": f"must be one of {', '.join(PLAN_LIMITS)}"})
    if plan != subscription.plan:
        subscription.plan, subscription.limits = plan, {}
    if subscription.status != Status.PAST_DUE:
        subscription.status = Status.ACTIVE
    _renew(subscription, now)


def _switch(subscription: Subscription, status: str, now: datetime) -> None:
    """A subscription is cancelled, or resumed after that; every other status is the site's to set."""
    if status == subscription.status:
        return
    if subscription.status == Status.PAST_DUE:
        raise ValidationError({"status": "is past_due; what is owed has to be paid first"})
    if status == Status.CANCELLED:
        subscription.status = Status.CANCELLED
    elif status == Status.ACTIVE and subscription.status == Status.CANCELLED:
        subscription.status = Status.ACTIVE
        _renew(subscription, now)
    elif status == Status.ACTIVE:
        raise ValidationError({"status": f"is {subscription.status}; only a cancelled subscription can be resumed"})
    else:
        raise ValidationError({"status": "can be set to cancelled, or back to active"})


def _renew(subscription: Subscription, now: datetime) -> None:
    """A new period when there is none or it is over. One that was paid for runs on, and its usage counts on, also on
    the free plan: going there and back must not begin anew."""
    if subscription.period_end is not None and subscription.period_end > now:
        return
    if subscription.plan == Plan.FREE:
        subscription.period_end = None
        return
    subscription.period_end = now + PERIOD
    subscription.usage = {}
