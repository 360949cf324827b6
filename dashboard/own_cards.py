"""The visitor's own cards: what they show, from the reads that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts.pages.subscription import SubscriptionCard, subscription_card
from accounts.schema import SubscriptionState
from connectors.pages.wording import STATES
from connectors.schema import PlatformState, StatusEntry
from dashboard.answers import Answer, Outcome
from dashboard.choices import Choice
from dashboard.links import page_url
from dashboard.status import Status, status_of

SOURCE = "the database"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRow:
    """One platform: its `label` is its state in words, `mood` the colour that goes with it."""

    slug: str
    name: str
    state: str
    label: str
    mood: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformsCard:
    """All that the template needs. `rows` is None where the read brought nothing."""

    page_url: str
    card_url: str
    status: Status
    connected: int
    rows: list[PlatformRow] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCard:
    """All that the template needs. `plan` is None where the read brought nothing."""

    page_url: str
    card_url: str
    status: Status
    plan: SubscriptionCard | None


def platforms_card(choice: Choice, platforms: Outcome[StatusEntry], *, now: datetime) -> PlatformsCard:
    """The card for what came of the read."""
    found = platforms.value.status if isinstance(platforms, Answer) else None
    return PlatformsCard(
        page_url=page_url(choice),
        card_url=reverse("dashboard-platforms"),
        status=_status([platforms], now),
        connected=found.connected if found else 0,
        rows=[_row(platform) for platform in found.platforms] if found else None,
    )


def plan_card(choice: Choice, subscription: Outcome[SubscriptionState], *, now: datetime) -> PlanCard:
    """The card for what came of the read."""
    return PlanCard(
        page_url=page_url(choice),
        card_url=reverse("dashboard-subscription"),
        status=_status([subscription], now),
        plan=subscription_card(subscription.value, now) if isinstance(subscription, Answer) else None,
    )


def _row(platform: PlatformState) -> PlatformRow:
    label, mood = STATES[platform.status]
    active = platform.status != "disconnected"
    return PlatformRow(
        slug=platform.provider,
        name=platform.name,
        state=platform.status,
        label=label,
        mood=mood,
        account=platform.account if active else "",
    )


def _status(outcomes: Sequence[Outcome[Any]], now: datetime) -> Status:
    status = status_of(outcomes, SOURCE, now)
    return replace(status, note=status.note[:1].upper() + status.note[1:])
