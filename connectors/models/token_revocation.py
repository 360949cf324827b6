"""Tokens that a platform is still to take back."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from connectors.models.platform_connection import LONGEST_ACCOUNT


class TokenRevocation(models.Model):
    """Written in the transaction that forgets the tokens, and deleted when the platform has taken them back: a platform
    that is away is asked again. Not bound to the user's row, which may be gone by then."""

    owner_id = models.BigIntegerField(editable=False)
    provider = models.CharField(max_length=30, editable=False)
    account_id = models.CharField(max_length=LONGEST_ACCOUNT, blank=True, editable=False)
    """Whose they are at the platform; empty where that was never known."""
    sealed_tokens = models.TextField(editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    not_before = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.provider} of user {self.owner_id}"
