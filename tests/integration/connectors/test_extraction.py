"""Extractions from the sandbox's platforms: complete, once each, and seen at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connectors.access import access_token
from connectors.connections import NoConnection, disconnect
from connectors.extraction import jobs, leases, runner
from connectors.extraction.pages import MOST_ITEMS
from connectors.models import ExtractedItem, ExtractionJob, JobState, PlatformConnection
from connectors.platform_api import ask, at, json_of
from connectors.providers import UnknownProvider, get_provider
from connectors.states import read_status
from connectors.tasks import forget_jobs
from tests.integration.connectors.extractions import Killed, between, die, item_ids, make_due, queued, run
from tests.integration.connectors.people import Person, connect
from tests.services.sandbox import SandboxUnderTest


def connection_of(person: Person, provider: str) -> PlatformConnection:
    """The row."""
    return PlatformConnection.objects.get(user_id=person.id, provider=provider)


def all_ids(person: Person, provider: str) -> list[str]:
    """The ids of all that the platform has, asked in one go (two where it gives 100 at most), sorted."""
    found = get_provider(provider)
    assert found.data is not None
    token = access_token(connection_of(person, provider).pk)
    ids: list[str] = []
    cursor: Any = 1 if found.data.paging == "number" else None
    while True:
        params = {found.data.size_param: 50} | ({} if cursor is None else {found.data.cursor_param: cursor})
        body = json_of(found, ask(found, found.data.url, token, params))
        page = at(body, found.data.items)
        ids += [str(each["id"]) for each in page]
        cursor = cursor + 1 if found.data.paging == "number" else at(body, found.data.next_cursor)
        if not page or cursor is None:
            return sorted(ids)


@pytest.mark.parametrize("provider", ["tunebox", "daybook", "codeyard", "chirper"])
def test_everything_is_extracted_once(platforms: SandboxUnderTest, person: Person, provider: str) -> None:
    """Each item of the platform, and nothing else; a second extraction finds them there."""
    connect(platforms, person.token, provider)
    first = run(queued(person.id, provider))
    assert (first.state, first.problem, first.lease) == ("completed", "", "")
    there = all_ids(person, provider)
    assert len(there) >= 180
    assert item_ids(person.id) == there
    assert first.items_done == len(there)
    second = run(queued(person.id, provider))
    assert second.pk != first.pk
    assert (second.state, second.items_done) == ("completed", len(there))
    assert item_ids(person.id) == there


def test_the_status_and_the_job_are_superseded_when_it_ends(platforms: SandboxUnderTest, person: Person) -> None:
    """Both were in the cache; the first read after the end is anew and right."""
    connect(platforms, person.token, "chirper")
    job = queued(person.id, "chirper")
    for _ in range(2):
        before = read_status(person.id), jobs.read_job(job.pk)
    assert [read.cached for read in before] == [True, True]
    run(job)
    status, view = read_status(person.id), jobs.read_job(job.pk)
    assert not status.cached
    assert not view.cached
    assert status.value is not None
    (state,) = [each for each in status.value.status.platforms if each.provider == "chirper"]
    assert state.last_sync_status == "completed"
    assert state.last_sync_at is not None
    assert state.last_sync_at >= job.started_at
    assert view.value is not None
    assert (view.value.state, view.value.progress, view.value.waits_until) == ("completed", 1.0, None)
    assert jobs.read_job(job.pk).cached


def test_progress_is_seen_page_by_page(platforms: SandboxUnderTest, person: Person) -> None:
    """Each page supersedes the job's entry."""
    connect(platforms, person.token, "tunebox")
    job = queued(person.id, "tunebox")
    seen: list[tuple[str, float]] = []

    def look() -> None:
        view = jobs.read_job(job.pk).value
        assert view is not None
        seen.append((view.state, view.progress))

    with between(1, look), between(2, look), between(3, look):
        runner.run(job.pk)
    total = len(item_ids(person.id))
    assert [state for state, _ in seen] == ["running"] * 3
    assert [progress for _, progress in seen] == [0.0, round(50 / total, 4), round(100 / total, 4)]


def test_one_job_at_a_time(platforms: SandboxUnderTest, person: Person) -> None:
    """Asking again gives the one that is under way; after its end, a new one."""
    connect(platforms, person.token, "daybook")
    job = queued(person.id, "daybook")
    assert queued(person.id, "daybook").pk == job.pk
    run(job)
    assert queued(person.id, "daybook").pk != job.pk


def test_without_a_broker_the_request_does_the_work(platforms: SandboxUnderTest, person: Person) -> None:
    """As with `runserver` alone."""
    connect(platforms, person.token, "codeyard")
    job = jobs.request(person.id, "codeyard")
    job.refresh_from_db()
    assert job.state == JobState.COMPLETED
    assert job.enqueued_at is not None


def test_what_cannot_be_extracted_is_refused(platforms: SandboxUnderTest, person: Person) -> None:
    """An unknown platform, no connection, one that was ended or does not work."""
    with pytest.raises(UnknownProvider):
        jobs.request(person.id, "myspace")
    with pytest.raises(NoConnection):
        jobs.request(person.id, "tunebox")
    connect(platforms, person.token, "tunebox")
    for status in ("needs_reauth", "error", "disconnected"):
        PlatformConnection.objects.filter(user_id=person.id).update(status=status)
        with pytest.raises(jobs.NotWorking):
            jobs.request(person.id, "tunebox")
    assert not ExtractionJob.objects.exists()


@pytest.mark.parametrize("page", [1, 2, 4])
def test_a_worker_that_dies_is_resumed_behind_its_last_page(
    platforms: SandboxUnderTest, person: Person, page: int
) -> None:
    """Pages that are stored are not asked for again, and each item is there once."""
    connect(platforms, person.token, "chirper")
    job = queued(person.id, "chirper")
    there = all_ids(person, "chirper")
    pages = -(-len(there) // 50)
    with pytest.raises(Killed), between(page, die):
        runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.pages_done, job.items_done) == ("running", page - 1, 50 * (page - 1))
    assert run(job).state == JobState.RUNNING, "its lease has not ended"
    make_due(job)
    platforms.reset()
    assert run(job).state == JobState.COMPLETED
    assert platforms.calls()["platform"] == pages - page + 1
    assert (job.items_done, job.attempts) == (len(there), 0)
    assert item_ids(person.id) == there


@pytest.mark.parametrize("whole", [True, False], ids=["after the items", "before the items"])
@pytest.mark.parametrize("last", [True, False], ids=["last page", "second page"])
def test_a_worker_that_dies_while_it_stores_a_page_stores_nothing_of_it(
    platforms: SandboxUnderTest, person: Person, monkeypatch: pytest.MonkeyPatch, last: bool, whole: bool
) -> None:
    """The page's items and the job's step belong together, and so does the end of the job."""
    connect(platforms, person.token, "chirper")
    job = queued(person.id, "chirper")
    there = all_ids(person, "chirper")
    fatal = -(-len(there) // 50) if last else 2
    real, stored = ExtractedItem.objects.bulk_create, []

    def bulk_create(rows: Any, **options: Any) -> None:
        stored.append(rows)
        if whole or len(stored) < fatal:
            real(rows, **options)
        if len(stored) == fatal:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(ExtractedItem.objects, "bulk_create", bulk_create)
        with pytest.raises(Killed):
            runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.pages_done) == ("running", fatal - 1)
    assert len(item_ids(person.id)) == job.items_done == 50 * (fatal - 1)
    assert connection_of(person, "chirper").last_sync_status == ""
    make_due(job)
    assert run(job).state == JobState.COMPLETED
    assert item_ids(person.id) == there


def test_a_worker_that_comes_back_late_stores_nothing(platforms: SandboxUnderTest, person: Person) -> None:
    """Another one has taken over while it waited for the platform; both go on, and each item is there once."""
    connect(platforms, person.token, "tunebox")
    job = queued(person.id, "tunebox")
    there = all_ids(person, "tunebox")

    def take_over() -> None:
        make_due(job)
        runner.run(job.pk)

    platforms.reset()
    with between(2, take_over):
        runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.items_done) == ("completed", len(there))
    assert item_ids(person.id) == there
    assert platforms.calls()["platform"] == -(-len(there) // 50) + 1


def test_the_lease_guards_each_write(platforms: SandboxUnderTest, person: Person) -> None:
    """Storing a page, waiting and failing: nothing of them by somebody without it."""
    connect(platforms, person.token, "tunebox")
    job = queued(person.id, "tunebox")
    held = leases.claim(job.pk)
    assert held is not None
    assert leases.claim(job.pk) is None
    make_due(job)
    mine = leases.claim(job.pk)
    assert mine is not None
    assert mine.attempts == 1
    with pytest.raises(leases.LeaseLost):
        leases.put_off(held, seconds=0, attempts=0)
    with pytest.raises(leases.LeaseLost):
        leases.fail(held, "unavailable")
    job.refresh_from_db()
    assert (job.state, job.lease) == ("running", mine.lease)
    assert connection_of(person, "tunebox").last_sync_status == ""


def test_disconnecting_ends_the_job_and_nothing_comes_after(platforms: SandboxUnderTest, person: Person) -> None:
    """The worker has an answer in its hand when the user disconnects."""
    connect(platforms, person.token, "chirper")
    job = queued(person.id, "chirper")
    with between(2, lambda: disconnect(person.id, "chirper")):
        runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.problem, job.lease) == ("failed", "disconnected", "")
    assert item_ids(person.id) == []


def test_a_job_that_kills_its_workers_fails(platforms: SandboxUnderTest, person: Person) -> None:
    """After eight of them, and it says so."""
    connect(platforms, person.token, "chirper")
    job = queued(person.id, "chirper")
    for _ in range(runner.MOST_ATTEMPTS):
        with pytest.raises(Killed), between(1, die):
            runner.run(job.pk)
        make_due(job)
    assert run(job).state == JobState.FAILED
    assert job.problem == "crashed"


def test_a_platform_without_an_end_is_left_after_the_most_items(
    platforms: SandboxUnderTest, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is completed with what it has: 10,000 items or 400 pages at most."""
    assert (MOST_ITEMS, runner.MOST_PAGES) == (10_000, 400)
    connect(platforms, person.token, "tunebox")
    monkeypatch.setattr(runner, "MOST_ITEMS", 120)
    job = run(queued(person.id, "tunebox"))
    assert (job.state, job.items_done, job.pages_done) == ("completed", 120, 3)
    ExtractedItem.objects.all().delete()
    monkeypatch.setattr(runner, "MOST_PAGES", 2)
    job = run(queued(person.id, "tunebox"))
    assert (job.state, job.items_done, job.pages_done) == ("completed", 100, 2)
    assert len(item_ids(person.id)) == 100


def test_the_last_jobs_are_read_in_one_query(
    platforms: SandboxUnderTest, person: Person, django_assert_num_queries: Any
) -> None:
    """Of each platform the newest."""
    for provider in ("tunebox", "chirper"):
        connect(platforms, person.token, provider)
        run(queued(person.id, provider))
    newest = queued(person.id, "chirper")
    with django_assert_num_queries(1):
        found = jobs.latest_jobs(person.id)
    assert set(found) == {"tunebox", "chirper"}
    assert (found["chirper"].job_id, found["chirper"].state) == (newest.pk, "queued")
    assert found["tunebox"].state == "completed"


def test_jobs_that_ended_long_ago_are_forgotten(platforms: SandboxUnderTest, person: Person) -> None:
    """What they brought stays, and so do the last month's."""
    connect(platforms, person.token, "tunebox")
    old, recent = run(queued(person.id, "tunebox")), run(queued(person.id, "tunebox"))
    found = item_ids(person.id)
    ExtractionJob.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=31))
    assert forget_jobs() == 1
    assert list(ExtractionJob.objects.filter(user_id=person.id)) == [recent]
    assert item_ids(person.id) == found != []
