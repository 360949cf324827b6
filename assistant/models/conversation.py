"""What somebody and the assistant have said to each other."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from assistant.models.persona import Persona

LONGEST_TITLE = 120


class Conversation(models.Model):
    """A user's conversation. `updated_at` is when its last message came."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations", editable=False
    )
    persona = models.ForeignKey(Persona, on_delete=models.SET_NULL, null=True, related_name="+", editable=False)
    title = models.CharField(max_length=LONGEST_TITLE, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-updated_at", "-pk"]
        indexes = [models.Index(fields=["user", "-updated_at"], name="conversations_of_user")]

    def __str__(self) -> str:
        """Without its title: the admin shows it to whoever deletes a user."""
        return f"conversation {self.pk} of user {self.user_id}"
