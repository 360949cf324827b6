"""What people have subscribed to."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.validators import validate_counts


class Plan(models.TextChoices):
    """What can be subscribed to."""

    FREE = "free"
    PRO = "pro"
    TEAM = "team"


class Status(models.TextChoices):
    """How a subscription is."""

    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    CANCELLED = "cancelled"


class Subscription(models.Model):
    """A user's subscription; made at its first change, so a user without one has the free plan.

    `limits` are what was agreed with this user besides the limits of the plan, which stand in accounts.subscriptions;
    `usage` counts what the limits limit, in the present period, where no app counts its rows for it (accounts.usage).
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscription")
    plan = models.CharField(max_length=10, choices=Plan, default=Plan.FREE)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    period_end = models.DateTimeField(null=True, blank=True)
    limits = models.JSONField(default=dict, blank=True, validators=[validate_counts])
    usage = models.JSONField(default=dict, blank=True, validators=[validate_counts])

    def __str__(self) -> str:
        return f"{self.plan} ({self.status})"

    def clean(self) -> None:
        """A form whose counts were emptied means none."""
        self.limits = self.limits or {}
        self.usage = self.usage or {}
