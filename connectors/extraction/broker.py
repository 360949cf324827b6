"""Telling the workers that a job is due. A message is only a call: lost, it is sent again; sent twice, the second finds
nothing to do."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from connectors.extraction.leases import DUE
from connectors.extraction.tasks import extract
from connectors.models import ExtractionJob, JobState

logger = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(seconds=5)
"""How long after a message the next one is sent for a job that nobody took."""
LONGEST_PAUSE = timedelta(minutes=5)
"""The pause grows with the time that a job waits: workers that are away for a day do not find a message for each five
seconds of it."""
MOST_AT_ONCE = 100
ONE_ATTEMPT = {"max_retries": 0}
"""Celery's own retries, which `retry=False` does not end, would keep the caller for six seconds and more."""


def send(job_ids: Sequence[UUID]) -> int:
    """Send a message for each job; how many the broker took. It raises nothing: a broker that is away or hangs costs
    its socket timeout once (half a second), and the rest is left to the errand.

    Without a broker (CELERY_TASK_ALWAYS_EAGER) the jobs are worked at here and now.
    """
    sent = 0
    try:
        with extract.app.connection(transport_options=ONE_ATTEMPT) as connection:
            producer = extract.app.amqp.Producer(connection, auto_declare=False)
            for job_id in job_ids:
                extract.apply_async((str(job_id),), producer=producer, retry=False)
                ExtractionJob.objects.filter(pk=job_id).update(enqueued_at=Now())
                sent += 1
    except Exception as error:  # noqa: BLE001  # whatever the broker's client raises: the row is there, and is seen to
        logger.warning("the broker did not take an extraction, it is sent later: %s", type(error).__name__)
    return sent


def send_waiting(job_id: UUID | None = None) -> int:
    """Tell the workers of the jobs that wait, or of one, if it does; of how many. What the relay does every two
    seconds."""
    found = _waiting(job_id, now=timezone.now())
    return send(found) if found else 0


def _waiting(job_id: UUID | None, *, now: datetime) -> list[UUID]:
    """The jobs that are due and that nobody was told of, or not lately; at most MOST_AT_ONCE."""
    untold = Q(enqueued_at__isnull=True) | Q(enqueued_at__lt=Now() - AGAIN_AFTER)
    only = Q() if job_id is None else Q(pk=job_id)
    rows = (
        ExtractionJob.objects.filter(DUE, untold, only)
        .order_by(F("enqueued_at").asc(nulls_first=True), "pk")
        .only(*_LOOKED_AT)[: 10 * MOST_AT_ONCE]
    )
    return [row.pk for row in rows if is_untold(row, now=now)][:MOST_AT_ONCE]


_LOOKED_AT = ("pk", "state", "not_before", "lease_until", "created_at", "enqueued_at")


def is_untold(job: ExtractionJob, *, now: datetime) -> bool:
    """Whether it is time for a message about a job that is due: none was sent since it is, or the last one is lost or
    waits long already."""
    since = job.lease_until if job.state == JobState.RUNNING else max(job.not_before, job.created_at)
    if job.enqueued_at is None or since is None or job.enqueued_at < since:
        return True
    return now - job.enqueued_at >= min(max(job.enqueued_at - since, AGAIN_AFTER), LONGEST_PAUSE)
