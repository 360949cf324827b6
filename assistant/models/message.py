"""One thing that was said."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from assistant.models.conversation import Conversation


class Role(models.TextChoices):
    """Who said it."""

    USER = "user"
    ASSISTANT = "assistant"


class Message(models.Model):
    """One thing that was said in a conversation."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages", editable=False)
    role = models.CharField(max_length=10, choices=Role, editable=False)
    content = models.TextField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    cached = models.BooleanField(default=False, editable=False)
    """An answer that was not asked of the provider: its tokens were saved."""
    complete = models.BooleanField(default=True, editable=False)
    """False for an answer that was cut off."""
    prompt_tokens = models.PositiveIntegerField(default=0, editable=False)
    completion_tokens = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["pk"]  # numbers are given under the conversation's lock, times are not
        indexes = [models.Index(fields=["conversation", "id"], name="messages_in_order")]

    def __str__(self) -> str:
        """Without what was said: the admin shows it to whoever deletes a user."""
        return f"message {self.pk} of conversation {self.conversation_id}"
