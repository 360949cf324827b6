"""Progress, and when the workers are told of a job again. No database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cache_platform.exceptions import (
    SourceBackoff,
    SourceError,
    SourceMalformed,
    SourceRateLimited,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from connectors.extraction.broker import is_untold
from connectors.extraction.jobs import progress_of, view_of
from connectors.extraction.runner import problem_of
from connectors.models import ExtractionJob, JobState

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def job(**fields: Any) -> ExtractionJob:
    """A job that is due since NOW."""
    return ExtractionJob(**{"created_at": NOW, "not_before": NOW, "user_id": 1, "provider": "tunebox", **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 0.0),
        ({"items_done": 50, "items_total": 200, "pages_done": 1}, 0.25),
        ({"items_done": 250, "items_total": 200, "pages_done": 5}, 0.99),
        ({"items_done": 50, "items_total": 0, "pages_done": 1}, 0.2),
        ({"pages_done": 4}, 0.5),
        ({"pages_done": 399}, 0.9901),
        ({"state": JobState.COMPLETED, "pages_done": 1}, 1.0),
        ({"state": JobState.FAILED, "items_done": 50, "items_total": 200}, 0.25),
    ],
)
def test_progress(fields: dict[str, Any], expected: float) -> None:
    """By items, else by pages; only a completed job is at 1."""
    assert progress_of(job(**fields)) == expected


def test_progress_never_goes_back_with_pages() -> None:
    """However many there are."""
    steps = [progress_of(job(pages_done=pages)) for pages in range(401)]
    assert steps == sorted(steps)
    assert max(steps) < 1


def test_a_job_that_waits_says_until_when() -> None:
    """Only while it is queued, and only for what is to come."""
    later = NOW + timedelta(seconds=30)
    assert view_of(job(not_before=later), now=NOW).waits_until == later
    assert view_of(job(not_before=later), now=later).waits_until is None
    assert view_of(job(not_before=later, state=JobState.RUNNING), now=NOW).waits_until is None


def seconds(number: float) -> datetime:
    """So many seconds from NOW."""
    return NOW + timedelta(seconds=number)


@pytest.mark.parametrize(
    ("enqueued", "now", "expected"),
    [(None, 0, True), (0, 4, False), (0, 5, True), (5, 9, False), (5, 10, True), (60, 119, False), (60, 120, True)],
)
def test_workers_are_told_again_less_and_less_often(enqueued: float | None, now: float, expected: bool) -> None:
    """After five seconds first, then each time after as long as the job has waited by then."""
    told = None if enqueued is None else seconds(enqueued)
    assert is_untold(job(enqueued_at=told), now=seconds(now)) is expected


def test_workers_are_told_at_least_every_five_minutes() -> None:
    """Of a job that has waited for a day."""
    waited = job(enqueued_at=seconds(86_400))
    assert not is_untold(waited, now=seconds(86_400 + 299))
    assert is_untold(waited, now=seconds(86_400 + 300))


def test_workers_are_told_at_once_of_a_job_whose_worker_fell_silent() -> None:
    """The message of its beginning does not count."""
    silent = job(state=JobState.RUNNING, enqueued_at=seconds(0), lease_until=seconds(30))
    assert is_untold(silent, now=seconds(30))
    silent.enqueued_at = seconds(31)
    assert not is_untold(silent, now=seconds(32))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SourceMalformed, "malformed"),
        (SourceRefused, "refused"),
        (SourceRateLimited, "rate_limited"),
        (SourceUnavailable, "unavailable"),
        (SourceTimeout, "unavailable"),
        (SourceBackoff, "unavailable"),
    ],
)
def test_problems_are_words(error: type[SourceError], expected: str) -> None:
    """For programs."""
    assert problem_of(error("Tunebox", "something")) == expected
