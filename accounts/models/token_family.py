"""Sign-ins by token."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class TokenFamily(models.Model):
    """The tokens that came from one sign-in: a refresh token, what it was exchanged for, and their access tokens.

    All of them carry the family's id and end with it. No token is kept here, and nothing that a token could be made of.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="token_families")
    stamp = models.CharField(max_length=64, editable=False)
    """The user's `get_session_auth_hash` at sign-in; the family has ended when the user's is another."""
    refresh_digest = models.CharField(max_length=64, editable=False)
    """An HMAC of the id of the one refresh token that is still good."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now, editable=False)
    """When it was last refreshed."""
    expires_at = models.DateTimeField(editable=False)
    """When its refresh token ends; an access token has an end of its own, which comes sooner."""
    revoked_at = models.DateTimeField(null=True, blank=True)
    user_agent = models.CharField(max_length=200, blank=True, editable=False)
    address = models.CharField(max_length=45, blank=True, editable=False)
    """Where the sign-in came from; an IPv6 address by its /64 network."""

    class Meta:
        ordering = ["-last_used_at"]
        verbose_name_plural = "token families"

    def __str__(self) -> str:
        return f"tokens of user {self.user_id} since {self.created_at:%Y-%m-%d %H:%M}"
