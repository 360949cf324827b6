"""Keys for programs."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

LONGEST_KEY_NAME = 80


class ApiKey(models.Model):
    """A key by which a program acts for a user. The key itself is shown once and not kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys", editable=False
    )
    name = models.CharField(max_length=LONGEST_KEY_NAME)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    """The part of the key that tells its owner which one it is."""
    digest = models.CharField(max_length=64, editable=False)
    """HMAC-SHA256 of the key under API_KEY_PEPPER."""
    scopes = models.JSONField()
    """A list: `read` for safe methods, `write` for the others."""
    stamp = models.CharField(max_length=64, editable=False)
    """The user's `get_password_stamp` when the key was made; it has ended when the user's is another."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    """None for a key that does not expire."""
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    """To within the TTL of the policy `auth.api_key`: a write for each request would cost more than the request."""
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.prefix} ({self.name})"
