"""What people can make this site keep and answer has an end, and what they send is no error of the site's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.messages import get_messages
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from cache_platform.testing import FakeClock, isolated_cache
from connectors.extraction import broker, jobs, leases
from connectors.extraction.pages import Item, Page
from connectors.models import AuthorizationRequest, ExtractedItem, ExtractionJob, PlatformConnection
from tests.integration.connectors.real_databases import NAME, Walks, connected, new_user
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def row(walks: Walks) -> PlatformConnection:
    """A connection with data that can be extracted."""
    return connected(walks, new_user(), "chirper")


@pytest.fixture
def no_broker() -> Iterator[None]:
    """Nobody works at what is asked for."""
    with mock.patch.object(broker, "send", return_value=0):
        yield


def ended_job(row: PlatformConnection) -> ExtractionJob:
    """A job that was asked for and has ended."""
    job = jobs.request(row.user_id, row.provider)
    ExtractionJob.objects.filter(pk=job.pk).update(state="completed", finished_at=timezone.now())
    return job


@pytest.mark.usefixtures("no_broker")
def test_few_ended_jobs_of_a_connection_are_kept(
    walks: Walks, row: PlatformConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last ones; another connection's are no matter of this one's."""
    monkeypatch.setattr(jobs, "MOST_KEPT", 2, raising=False)
    other = connected(walks, new_user(), "chirper")
    others = [ended_job(other).pk for _ in range(2)]
    made = [ended_job(row).pk for _ in range(5)]
    running = jobs.request(row.user_id, row.provider)
    assert running.pk not in made
    kept = set(ExtractionJob.objects.filter(connection=row).values_list("pk", flat=True))
    assert kept == {*made[-2:], running.pk}
    assert set(ExtractionJob.objects.filter(connection=other).values_list("pk", flat=True)) == set(others)
    assert jobs.request(row.user_id, row.provider).pk == running.pk
    assert ExtractionJob.objects.filter(connection=row).count() == 3


def page(first: int, *, at: datetime, last: bool) -> Page:
    """Two items, numbered from `first` on, a minute apart."""
    items = tuple(
        Item(item_id=str(number), title="a message", labels=(), happened_at=at + timedelta(minutes=number))
        for number in (first, first + 1)
    )
    return Page(items=items, next_cursor=None if last else "next", total=None)


def test_the_newest_items_of_a_connection_are_kept(
    walks: Walks, row: PlatformConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever extraction brought them; a platform that invents new ones each time fills nothing."""
    monkeypatch.setattr(leases, "MOST_ITEMS", 3, raising=False)
    other, start = connected(walks, new_user(), "chirper"), timezone.now() - timedelta(days=1)
    for which, firsts in ((other, (1,)), (row, (5, 1)), (row, (3, 0))):
        made = ExtractionJob.objects.create(connection=which, user_id=which.user_id, provider="chirper")
        job = leases.claim(made.pk)
        assert job is not None
        for first in firsts:
            leases.store(job, page(first, at=start, last=first == firsts[-1]), kind="messages")
    items = ExtractedItem.objects.filter(connection=row).order_by("happened_at")
    assert list(items.values_list("item_id", flat=True)) == ["4", "5", "6"]
    assert ExtractedItem.objects.filter(connection=other).count() == 2


@pytest.mark.parametrize("do", ["connect", "disconnect", "extract"])
@pytest.mark.parametrize("slug", ["tunebox\x00", "../tunebox"])
def test_form_with_what_is_no_name_is_answered_in_words(row: PlatformConnection, do: str, slug: str) -> None:
    """A database that refuses to look for it is no error of the site's."""
    client = Client()
    client.force_login(row.user)
    client.raise_request_exception = False
    answer = client.post("/connectors/", {"do": do, "provider": slug})
    assert (answer.status_code, answer["Location"]) == (303, "/connectors/")
    (told,) = get_messages(answer.wsgi_request)
    assert "not" in str(told)
    row.refresh_from_db()
    assert row.status == "connected"
    assert not AuthorizationRequest.objects.filter(user__username__startswith=NAME).exists()


def test_job_that_waits_is_not_shown_beyond_its_moment(row: PlatformConnection) -> None:
    """`waits_until` passes without a write, and so does what was cached of it."""
    made = ExtractionJob.objects.create(connection=row, user_id=row.user_id, provider="chirper")
    job = leases.claim(made.pk)
    assert job is not None
    leases.put_off(job, seconds=30.0, attempts=1)
    clock = FakeClock(int(time.time() * 1000))
    with isolated_cache(clock):
        assert not jobs.read_job(job.pk).cached
        clock.advance(25)
        waits = jobs.read_job(job.pk)
        assert waits.cached
        assert waits.value is not None
        assert waits.value.waits_until is not None
        clock.advance(10)
        later = timezone.now() + timedelta(seconds=35)
        with mock.patch.object(timezone, "now", return_value=later):
            now = jobs.read_job(job.pk)
    assert not now.cached
    assert now.value is not None
    assert (now.value.state, now.value.waits_until) == ("queued", None)


def test_job_that_does_not_wait_is_kept_as_long_as_ever(row: PlatformConnection) -> None:
    """Writes supersede it, not time."""
    made = ExtractionJob.objects.create(connection=row, user_id=row.user_id, provider="chirper")
    clock = FakeClock(int(time.time() * 1000))
    with isolated_cache(clock):
        jobs.read_job(made.pk)
        clock.advance(59)
        assert jobs.read_job(made.pk).cached


def test_request_succeeds_once_its_row_is_there(row: PlatformConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look for what waits fails then; the relay tells the workers later."""

    def fail(*_given: Any, **_named: Any) -> Any:
        raise OperationalError("the database is gone")

    with monkeypatch.context() as patches:
        patches.setattr(broker, "_waiting", fail)
        job = jobs.request(row.user_id, row.provider)
    assert list(ExtractionJob.objects.filter(connection=row).values_list("pk", "state")) == [(job.pk, "queued")]
    assert broker._waiting(None, now=timezone.now()) == [job.pk]
