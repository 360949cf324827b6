"""Extractions, as tests begin and look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from django.db.models.functions import Now

from cache_platform.http import Answer
from connectors import platform_api
from connectors.extraction import broker, jobs, runner
from connectors.models import ExtractedItem, ExtractionJob


def queued(user_id: int, provider: str) -> ExtractionJob:
    """A job that no worker was told of."""
    with mock.patch.object(broker, "send", return_value=0):
        return jobs.request(user_id, provider)


def run(job: ExtractionJob) -> ExtractionJob:
    """What a worker makes of it; the job as it is then."""
    runner.run(job.pk)
    job.refresh_from_db()
    return job


def make_due(job: ExtractionJob) -> None:
    """As if the time that it waits for had come, and its worker had been silent for long."""
    long_ago = Now() - timedelta(minutes=5)
    ExtractionJob.objects.filter(pk=job.pk, lease_until__isnull=False).update(lease_until=long_ago)
    ExtractionJob.objects.filter(pk=job.pk).update(not_before=long_ago)


def item_ids(user_id: int) -> list[str]:
    """The items stored, sorted."""
    return sorted(ExtractedItem.objects.filter(user_id=user_id).values_list("item_id", flat=True))


@contextmanager
def between(pages: int, act: Callable[[], object]) -> Iterator[None]:
    """`act` runs when the answer of page number `pages` has come and is not stored yet."""
    asked = 0
    real = platform_api.ask

    def ask(*args: Any, **kwargs: Any) -> Answer:
        nonlocal asked
        answer = real(*args, **kwargs)
        asked += 1
        if asked == pages:
            act()
        return answer

    with mock.patch.object(platform_api, "ask", ask):
        yield


class Killed(BaseException):
    """As SIGKILL: nothing of the worker runs after it."""


def die() -> None:
    """Be killed."""
    raise Killed
