"""The worker's part of an extraction."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from connectors.extraction import runner


@shared_task(name="connectors.tasks.extract")
def extract(job_id: str) -> None:
    """Work at a job, if it is due. Safe to run twice, and side by side: the job's row says what is to be done."""
    runner.run(UUID(job_id))
