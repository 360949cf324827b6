"""Who works at a job: one worker at a time, by a lease in its row, which ends by the database's clock.

Each write of a worker names its lease. When it changes nothing, somebody else has the job (the worker was silent for
too long), or the user has disconnected; then nothing of its transaction is stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import router, transaction
from django.db.models import Case, F, IntegerField, Q, QuerySet, When
from django.db.models.functions import Coalesce, Now

from connectors import conf
from connectors.extraction.pages import MOST_ITEMS, Page
from connectors.models import ConnectionStatus, ExtractedItem, ExtractionJob, JobState, PlatformConnection, SyncStatus

DUE = Q(state=JobState.QUEUED, not_before__lte=Now()) | Q(state=JobState.RUNNING, lease_until__lt=Now())
"""The jobs that somebody may take: those whose turn it is, and those whose worker is silent."""


class LeaseLost(Exception):
    """The job is not this worker's any more."""


def claim(job_id: UUID) -> ExtractionJob | None:
    """The job, running, with a lease of the caller's own; None when it is not due: it has ended, waits, or is being
    worked at. A job taken over from a worker that fell silent counts as one more failure of its page."""
    lease = secrets.token_hex(16)
    failures = Case(
        When(state=JobState.RUNNING, then=F("attempts") + 1), default=F("attempts"), output_field=IntegerField()
    )
    claimed = ExtractionJob.objects.filter(DUE, pk=job_id).update(
        state=JobState.RUNNING,
        lease=lease,
        lease_until=_lease_end(),
        started_at=Coalesce("started_at", Now()),
        attempts=failures,
    )
    return ExtractionJob.objects.filter(pk=job_id, lease=lease).first() if claimed else None


def store(job: ExtractionJob, page: Page, *, kind: str) -> None:
    """Store a page's items and go on to the next page, or complete the job behind the last one; all of it or nothing.
    Raises LeaseLost."""
    done = {
        "cursor": page.next_cursor or "",
        "pages_done": job.pages_done + 1,
        "items_done": job.items_done + len(page.items),
        "items_total": page.total if page.total is not None else job.items_total,
        "attempts": 0,
    }
    with _writing(job):
        if page.next_cursor is None:
            _end(job, JobState.COMPLETED, SyncStatus.COMPLETED, **done)
        else:
            _change(job, lease_until=_lease_end(), **done)
        ExtractedItem.objects.bulk_create(
            [
                ExtractedItem(
                    connection_id=job.connection_id,
                    user_id=job.user_id,
                    item_id=item.item_id,
                    kind=kind,
                    title=item.title,
                    labels=list(item.labels),
                    happened_at=item.happened_at,
                )
                for item in page.items
            ],
            ignore_conflicts=True,
        )
        kept = ExtractedItem.objects.filter(connection_id=job.connection_id).order_by("-happened_at", "pk")
        kept.filter(pk__in=list(kept.values_list("pk", flat=True)[MOST_ITEMS:])).delete()
    for name, value in done.items():
        setattr(job, name, value)


def fail(job: ExtractionJob, problem: str) -> None:
    """End the job for good. Raises LeaseLost."""
    with _writing(job):
        _end(job, JobState.FAILED, SyncStatus.FAILED, problem=problem)


def put_off(job: ExtractionJob, *, seconds: float, attempts: int) -> None:
    """Back into the queue, to go on in so many seconds. Raises LeaseLost."""
    _change(
        job,
        state=JobState.QUEUED,
        lease="",
        lease_until=None,
        not_before=Now() + timedelta(seconds=seconds),
        enqueued_at=None,
        attempts=attempts,
    )


@contextmanager
def _writing(job: ExtractionJob) -> Iterator[None]:
    """A transaction that has the connection's row locked before it touches the job's: the order of all who write both,
    disconnecting among them, so that none waits for another in a circle."""
    with transaction.atomic(using=router.db_for_write(ExtractionJob)):
        connections = PlatformConnection.objects.select_for_update(no_key=True).filter(pk=job.connection_id)
        if connections.exclude(status=ConnectionStatus.DISCONNECTED).values_list("pk").first() is None:
            raise LeaseLost(str(job))
        yield


def _end(job: ExtractionJob, state: JobState, sync: SyncStatus, **values: Any) -> None:
    _change(job, state=state, finished_at=Now(), lease="", lease_until=None, **values)
    connection = PlatformConnection.objects.filter(pk=job.connection_id)
    connection.update(last_sync_at=Now(), last_sync_status=sync)


def _change(job: ExtractionJob, **values: Any) -> None:
    if not _held(job).update(**values):
        raise LeaseLost(str(job))


def _held(job: ExtractionJob) -> QuerySet[ExtractionJob]:
    return ExtractionJob.objects.filter(pk=job.pk, lease=job.lease, state=JobState.RUNNING)


def _lease_end() -> Any:  # noqa: ANN401  # an expression of the database
    return Now() + conf.extraction_lease()
