"""An extraction of what a platform has of a person."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from connectors.models.platform_connection import PlatformConnection


class JobState(models.TextChoices):
    """Where a job is. `queued` also while it waits for the platform's quota."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


ACTIVE = (JobState.QUEUED, JobState.RUNNING)


class ExtractionJob(models.Model):
    """One extraction. The row is the truth, the message in the broker only a call: a lost message is sent again, one
    that comes twice finds the lease taken or the job done.

    Its page and its items are stored in one transaction, so another worker goes on exactly behind the last page.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(PlatformConnection, on_delete=models.CASCADE, related_name="jobs", editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False)
    provider = models.CharField(max_length=30, editable=False)
    state = models.CharField(max_length=20, choices=JobState, default=JobState.QUEUED, editable=False)
    cursor = models.TextField(blank=True, editable=False)
    """The platform's cursor of the next page; empty for the first."""
    pages_done = models.PositiveIntegerField(default=0, editable=False)
    items_done = models.PositiveIntegerField(default=0, editable=False)
    items_total = models.PositiveIntegerField(null=True, editable=False)
    """As the platform says, if it does."""
    problem = models.CharField(max_length=40, blank=True, editable=False)
    """Why it failed, as a word for programs."""
    attempts = models.PositiveIntegerField(default=0, editable=False)
    """Failures in a row of the page that it is at."""
    lease = models.CharField(max_length=32, blank=True, editable=False)
    """The worker that runs it; whoever has another one stores nothing."""
    lease_until = models.DateTimeField(null=True, editable=False)
    """By the database's clock. A worker that was killed does not renew it."""
    not_before = models.DateTimeField(default=timezone.now, editable=False)
    """When it may go on: the platform's quota is used up until then, or the platform is left alone."""
    enqueued_at = models.DateTimeField(null=True, editable=False)
    """When the broker last took a message for it."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["connection"],
                condition=Q(state__in=("queued", "running")),
                name="one_active_job_per_connection",
            )
        ]
        indexes = [models.Index(fields=["state", "not_before"], name="job_due")]

    def __str__(self) -> str:
        return f"{self.provider} of user {self.user_id}, {self.state}"
