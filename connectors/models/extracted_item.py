"""One thing that a platform has of a person."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from connectors.models.platform_connection import PlatformConnection

LONGEST_TITLE = 300
LONGEST_ITEM_ID = 200


class ExtractedItem(models.Model):
    """A play, an event, a message or a repository: what the signature is computed from, and no more of it. It goes
    with its connection: disconnecting deletes it."""

    connection = models.ForeignKey(PlatformConnection, on_delete=models.CASCADE, related_name="items", editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)
    item_id = models.CharField(max_length=LONGEST_ITEM_ID, editable=False)
    """The platform's own."""
    kind = models.CharField(max_length=20, editable=False)
    title = models.CharField(max_length=LONGEST_TITLE, editable=False)
    labels = models.JSONField(default=list, editable=False)
    """Texts in lower case: genres, topics, languages."""
    happened_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["-happened_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["connection", "item_id"], name="each_item_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.item_id} of user {self.user_id}"
