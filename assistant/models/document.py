"""A text that somebody gave to the assistant."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

LONGEST_DOCUMENT_NAME = 200


class Document(models.Model):
    """A user's document. Its text is in the database, never in a file, and its name is never a path."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="documents", editable=False
    )
    name = models.CharField(max_length=LONGEST_DOCUMENT_NAME, editable=False)
    size = models.PositiveIntegerField(editable=False)
    """Bytes of the text in UTF-8."""
    sha256 = models.CharField(max_length=64, editable=False)
    """Of the text in UTF-8, in hexadecimal digits."""
    text = models.TextField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["user", "-created_at"], name="documents_of_user")]

    def __str__(self) -> str:
        """Without its name: the admin shows it to whoever deletes a user."""
        return f"document {self.pk} of user {self.user_id}"
