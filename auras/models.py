"""The table of auras."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from accounts.validators import validate_plain_text
from auras.validators import validate_kind, validate_settings

LONGEST_NAME = 80
LONGEST_DESCRIPTION = 500
LONGEST_KIND = 40
AGENT = "agent"


class Aura(models.Model):
    """A user's aura. There is one of a name, and the constraint has the last word on that."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="auras")
    name = models.CharField(max_length=LONGEST_NAME, validators=[validate_plain_text])
    """In one spelling (NFC, trimmed)."""
    description = models.CharField(max_length=LONGEST_DESCRIPTION, blank=True, validators=[validate_plain_text])
    kind = models.CharField(max_length=LONGEST_KIND, default=AGENT, validators=[validate_kind])
    settings = models.JSONField(default=dict, blank=True, validators=[validate_settings])
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_aura_of_a_name")]

    def __str__(self) -> str:
        return self.name
