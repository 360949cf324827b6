"""The site's own tasks."""

from __future__ import annotations

from django.utils import timezone

from cache_platform import put
from config.celery import app
from config.policies import WORKER


@app.task(name="config.tasks.heartbeat")
def heartbeat() -> None:
    """Leave a sign of life: beat sent this task, the broker carried it, and a worker ran it. Safe to run twice."""
    put(WORKER, {}, {"beat": timezone.now().isoformat()})
