"""Asking for extractions, and looking at them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, cast
from uuid import UUID

from django.db import router, transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from cache_platform import Read, read
from connectors.connections import NoConnection
from connectors.extraction import broker
from connectors.models import ExtractionJob, JobState, PlatformConnection
from connectors.models.extraction_job import ACTIVE
from connectors.policies import JOB
from connectors.providers import get_provider
from connectors.schema import JobView
from connectors.states import SHOWN, WORKING, status_at

PAGES_AHEAD = 4
"""How many more pages are expected where the platform does not say how many items there are."""
ALMOST = 0.99
"""As far as a job gets that is not completed."""


KEPT = timedelta(days=30)
"""How long an extraction that has ended can still be looked at."""


class NotWorking(Exception):
    """The platform is not connected at present."""


class NothingToExtract(Exception):
    """The platform has no data that could be extracted."""


def request(user_id: int, provider: str) -> ExtractionJob:
    """A new extraction, or the one that is under way. Its row is committed first, then the workers are told; when that
    does not work within a second, the relay tells them later.

    Raises UnknownProvider, NothingToExtract, NoConnection, and NotWorking for one that is not connected now.
    """
    if get_provider(provider).data is None:
        raise NothingToExtract(provider)
    using = router.db_for_write(ExtractionJob)
    with transaction.atomic(using=using):
        locked = PlatformConnection.objects.select_for_update(no_key=True).only(*SHOWN, "user_id")
        connection = locked.filter(user_id=user_id, provider=provider).first()
        if connection is None:
            raise NoConnection(provider)
        if status_at(connection, timezone.now()) not in WORKING:
            raise NotWorking(provider)
        job = connection.jobs.filter(state__in=ACTIVE).first() or _new(connection)
        transaction.on_commit(lambda: broker.send_waiting(job.pk), using=using, robust=True)  # the row is there
    return job


def read_job(job_id: UUID, *, caller: str | None = None) -> Read[JobView]:
    """An extraction, through the cache; its value is None when there is none of that id."""
    return read(JOB, {"job_id": job_id}, load_job, caller=caller)


def load_job(job_id: UUID) -> JobView | None:
    """An extraction from the database, in one query."""
    row = ExtractionJob.objects.filter(pk=job_id).first()
    return None if row is None else view_of(row, now=timezone.now())


def latest_jobs(user_id: int) -> dict[str, JobView]:
    """The last extraction of each platform that has one, in one query."""
    of_connection = ExtractionJob.objects.filter(connection=OuterRef("pk")).order_by("-created_at", "pk")
    last = PlatformConnection.objects.filter(user_id=user_id).values(last=Subquery(of_connection.values("pk")[:1]))
    now = timezone.now()
    return {row.provider: view_of(row, now=now) for row in ExtractionJob.objects.filter(pk__in=last)}


def forget_ended() -> int:
    """Delete the jobs that ended KEPT ago; how many."""
    return ExtractionJob.objects.filter(finished_at__lt=timezone.now() - KEPT).delete()[0]


def view_of(row: ExtractionJob, *, now: datetime) -> JobView:
    """A job as its user sees it."""
    waits = row.state == JobState.QUEUED and row.not_before > now
    return JobView(
        job_id=row.pk,
        user_id=row.user_id,
        provider=row.provider,
        state=cast(Literal["queued", "running", "completed", "failed"], row.state),
        progress=progress_of(row),
        items_done=row.items_done,
        items_total=row.items_total,
        problem=row.problem,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        waits_until=row.not_before if waits else None,
    )


def progress_of(row: ExtractionJob) -> float:
    """How much is done, 0 to 1: by items where the platform says how many there are, else by pages, as if a few more
    would follow. 1 means completed."""
    if row.state == JobState.COMPLETED:
        return 1.0
    if row.items_total:
        return min(round(row.items_done / row.items_total, 4), ALMOST)
    return round(row.pages_done / (row.pages_done + PAGES_AHEAD), 4)


MOST_KEPT = 20
"""Ended jobs of a connection that are kept."""


def _new(connection: PlatformConnection) -> ExtractionJob:
    ended = connection.jobs.exclude(state__in=ACTIVE).order_by("-created_at", "pk").values_list("pk", flat=True)
    connection.jobs.filter(pk__in=list(ended[MOST_KEPT:])).delete()
    job = ExtractionJob.objects.create(
        connection=connection,
        user_id=connection.user_id,
        provider=connection.provider,
        not_before=Now(),  # by the clock that the workers go by
    )
    job.refresh_from_db(fields=["not_before"])
    return job
