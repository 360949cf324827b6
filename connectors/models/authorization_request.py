"""A person who was sent to a platform, and is to come back."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class AuthorizationRequest(models.Model):
    """One walk to a platform's consent page. The row is deleted by the callback that uses it, so its state is good
    once. In the database rather than in Redis, so that people can connect while Redis is away."""

    state_digest = models.CharField(max_length=64, unique=True, editable=False)
    """SHA-256 of the state, which nobody can connect anything with who reads this table."""
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)
    provider = models.CharField(max_length=30, editable=False)
    binding = models.CharField(max_length=64, editable=False)
    """The session, token family or key that began it, and that must come back (connectors.bindings)."""
    sealed_verifier = models.TextField(editable=False)
    """The PKCE verifier (RFC 7636), encrypted."""
    redirect_uri = models.CharField(max_length=500, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"user {self.user_id} to {self.provider} at {self.created_at:%Y-%m-%d %H:%M}"
