"""What people say about themselves."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models

from accounts.validators import validate_plain_text, validate_settings

LONGEST_NAME = 80
LONGEST_AVATAR = 500


class Profile(models.Model):
    """A user's profile; made at its first change, so a user without one has the defaults."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile")
    display_name = models.CharField(max_length=LONGEST_NAME, blank=True, validators=[validate_plain_text])
    """Text, never markup; the user's own name when blank."""
    avatar = models.CharField(max_length=LONGEST_AVATAR, blank=True, validators=[URLValidator(schemes=["https"])])
    settings = models.JSONField(default=dict, blank=True, validators=[validate_settings])

    def __str__(self) -> str:
        return self.display_name or f"profile {self.pk}"

    def clean(self) -> None:
        """A form whose settings were emptied means no settings."""
        self.settings = self.settings or {}
