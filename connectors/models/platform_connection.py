"""A person's connection with a platform."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

LONGEST_ACCOUNT = 200


class ConnectionStatus(models.TextChoices):
    """What is known of a connection. `expiring`: its access ends soon; one that is renewable is being renewed."""

    CONNECTED = "connected"
    EXPIRING = "expiring"
    NEEDS_REAUTH = "needs_reauth"
    ERROR = "error"
    DISCONNECTED = "disconnected"


class SyncStatus(models.TextChoices):
    """How the last extraction ended."""

    COMPLETED = "completed"
    FAILED = "failed"


class PlatformConnection(models.Model):
    """One per user and platform; it stays when the user disconnects, and is taken up again by the next connect.

    Its tokens are encrypted (connectors.sealing), and never cached, logged or shown. `status` is as of the last change;
    what it is now, with time passed, is `connectors.states.status_at`.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="platform_connections", editable=False
    )
    provider = models.CharField(max_length=30, editable=False)
    status = models.CharField(max_length=20, choices=ConnectionStatus, default=ConnectionStatus.DISCONNECTED)
    problem = models.CharField(max_length=40, blank=True, editable=False)
    """Why it is `needs_reauth` (`refused`, `expired`) or `error` (`unavailable`, `malformed`, `misconfigured`,
    `not_offered`, `unreadable`), as a word for programs."""
    scopes = models.JSONField(default=list, editable=False)
    """What the platform granted, which may be less than was asked for."""
    account_id = models.CharField(max_length=LONGEST_ACCOUNT, blank=True, editable=False)
    account_name = models.CharField(max_length=LONGEST_ACCOUNT, blank=True, editable=False)
    sealed_tokens = models.TextField(blank=True, editable=False)
    renewable = models.BooleanField(default=False, editable=False)
    """Whether there is a refresh token."""
    renew_at = models.DateTimeField(null=True, editable=False)
    """From when on it is `expiring`."""
    expires_at = models.DateTimeField(null=True, editable=False)
    """When the access token ends; None for one that does not."""
    refresh_claim = models.CharField(max_length=32, blank=True, editable=False)
    """Who refreshes it at present. Connecting and disconnecting take the claim away, so that what they stored stays."""
    refresh_claimed_until = models.DateTimeField(null=True, editable=False)
    connected_at = models.DateTimeField(null=True, editable=False)
    disconnected_at = models.DateTimeField(null=True, editable=False)
    last_sync_at = models.DateTimeField(null=True, editable=False)
    last_sync_status = models.CharField(max_length=20, choices=SyncStatus, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    replaced_account: str = ""
    """Not a column: the account that this connect has put another one in the place of."""

    class Meta:
        ordering = ["provider", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "provider"], name="one_connection_per_platform")]
        indexes = [models.Index(fields=["renew_at"], name="connection_renew_at")]

    def __str__(self) -> str:
        return f"{self.provider} of user {self.user_id}"

    @property
    def is_active(self) -> bool:
        """Whether the user has connected it, whether or not it works at present."""
        return self.status != ConnectionStatus.DISCONNECTED
