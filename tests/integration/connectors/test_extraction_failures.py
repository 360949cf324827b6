"""Extractions while a platform is away, refuses, sends nonsense, or has no quota left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cache_platform import StoreUnavailable, invalidate, peek
from cache_platform.http import Answer
from connectors import platform_api
from connectors.extraction import broker, jobs, runner
from connectors.models import ExtractionJob
from connectors.policies import QUOTA
from connectors.states import read_status
from tests.integration.connectors.extractions import between, item_ids, make_due, queued, run
from tests.integration.connectors.people import Person, connect
from tests.integration.connectors.platforms import take_all_for_well
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest


@pytest.fixture
def job(platforms: SandboxUnderTest, person: Person) -> ExtractionJob:
    """A job at chirper, with the calls counted from here on."""
    connect(platforms, person.token, "chirper")
    platforms.reset()
    return queued(person.id, "chirper")


def last_sync(person: Person) -> tuple[str, bool]:
    """How chirper's last extraction ended by the status, and whether that came from the cache."""
    found = read_status(person.id)
    assert found.value is not None
    (state,) = [each for each in found.value.status.platforms if each.provider == "chirper"]
    return state.last_sync_status, found.cached


def seconds_to(job: ExtractionJob) -> float:
    """How long the job is to wait."""
    return (job.not_before - timezone.now()).total_seconds()


@pytest.mark.parametrize(
    ("mode", "problem"),
    [("error", "unavailable"), ("malformed", "malformed"), ("huge", "malformed"), ("rate_limited", "rate_limited")],
)
def test_a_page_that_fails_is_tried_again_and_then_the_job_fails(
    platforms: SandboxUnderTest, person: Person, job: ExtractionJob, mode: str, problem: str
) -> None:
    """Eight times, with pauses that grow; the failure is in the status at once."""
    platforms.fault(service="platform", mode=mode)
    pauses = []
    for attempt in range(1, runner.MOST_ATTEMPTS):
        take_all_for_well()
        assert (run(job).state, job.attempts, job.lease) == ("queued", attempt, "")
        pauses.append(seconds_to(job))
        assert run(job).attempts == attempt, "its time has not come"
        make_due(job)
        invalidate(f"quota:{job.connection_id}")
    least = 30 if mode == "rate_limited" else 0  # what the platform asks for
    expected = [max(least, 2**attempt) for attempt in range(1, runner.MOST_ATTEMPTS)]
    assert pauses == pytest.approx(expected, abs=1.5)
    assert [last_sync(person) for _ in range(2)] == [("", False), ("", True)]
    take_all_for_well()
    assert (run(job).state, job.problem) == ("failed", problem)
    assert last_sync(person) == ("failed", False)
    assert platforms.calls()["platform"] == runner.MOST_ATTEMPTS
    assert queued(person.id, "chirper").pk != job.pk


def test_a_page_that_succeeds_ends_the_count(platforms: SandboxUnderTest, person: Person, job: ExtractionJob) -> None:
    """Only failures in a row count."""
    platforms.fault(service="platform", mode="error")
    run(job)
    make_due(job)
    take_all_for_well()
    platforms.fault(service="platform", mode="off")
    with between(2, lambda: platforms.fault(service="platform", mode="error")):
        assert (run(job).state, job.pages_done, job.attempts) == ("queued", 2, 1)


def test_a_quota_that_is_used_up_is_waited_for_without_a_call(
    platforms: SandboxUnderTest, person: Person, job: ExtractionJob
) -> None:
    """The job goes back into the queue until the quota resets, and says so; nobody asks the platform meanwhile."""
    platforms.oauth(quota=2)
    assert (run(job).state, job.pages_done, job.attempts) == ("queued", 2, 0)
    assert platforms.calls()["platform"] == 2
    assert 0 < seconds_to(job) <= 61
    view = jobs.read_job(job.pk).value
    assert view is not None
    assert (view.state, view.waits_until) == ("queued", job.not_before)
    quota = peek(QUOTA, {"connection_id": job.connection_id})
    assert quota is not None
    assert (quota.limit, quota.remaining) == (2, 0)
    make_due(job)  # too early: the quota is known all the same
    assert (run(job).state, job.attempts) == ("queued", 0)
    assert platforms.calls()["platform"] == 2
    invalidate(f"quota:{job.connection_id}")  # as if it had been reset
    platforms.oauth(quota=600)
    make_due(job)
    assert run(job).state == "completed"


def test_without_a_broker_nobody_waits_for_a_quota(platforms: SandboxUnderTest, person: Person) -> None:
    """The request that does the work itself is answered; asking again, later, goes on with the same job."""
    connect(platforms, person.token, "tunebox")
    platforms.oauth(quota=2)
    job = jobs.request(person.id, "tunebox")
    job.refresh_from_db()
    assert (job.state, job.pages_done) == ("queued", 2)
    assert seconds_to(job) > 0
    assert jobs.request(person.id, "tunebox").pk == job.pk
    job.refresh_from_db()
    assert (job.state, job.pages_done) == ("queued", 2)
    platforms.oauth(quota=600)
    invalidate(f"quota:{job.connection_id}")
    make_due(job)
    ExtractionJob.objects.filter(pk=job.pk).update(enqueued_at=None)
    jobs.request(person.id, "tunebox")
    job.refresh_from_db()
    assert job.state == "completed"


def test_without_redis_the_platform_itself_says_that_the_quota_is_used_up(
    platforms: SandboxUnderTest,
    person: Person,
    job: ExtractionJob,
    redis_server: RedisUnderTest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its 429 and Retry-After are kept to; the rest of the job does not need Redis either."""
    monkeypatch.setattr(runner, "MOST_PAGES", 3)  # each write waits a second for the relay, which does not run here
    redis_server.kill()
    with pytest.raises(StoreUnavailable):
        peek(QUOTA, {"connection_id": job.connection_id})
    platforms.oauth(quota=2)
    assert (run(job).state, job.pages_done, job.attempts) == ("queued", 2, 1)
    assert platforms.calls()["platform"] == 3
    assert 0 < seconds_to(job) <= 61
    platforms.oauth(quota=600)
    make_due(job)
    assert run(job).state == "completed"
    assert len(item_ids(person.id)) == job.items_done == 150
    redis_server.start()


def test_a_token_that_ended_is_renewed_in_the_middle(
    platforms: SandboxUnderTest, person: Person, job: ExtractionJob
) -> None:
    """The page is asked for once more, and the job does not notice."""
    with between(2, lambda: platforms.oauth(expire_all=True)):
        assert (run(job).state, job.attempts) == ("completed", 0)
    pages = -(-job.items_done // 50)
    assert platforms.calls()["platform"] == pages + 1


@pytest.mark.parametrize("provider", ["chirper", "codeyard"])
def test_a_connection_that_was_taken_back_fails_the_job(
    platforms: SandboxUnderTest, person: Person, provider: str
) -> None:
    """With a refresh token and without; the status says that its user has to sign in there again."""
    connect(platforms, person.token, provider)
    job = queued(person.id, provider)
    with between(1, lambda: platforms.oauth(revoke_all=True)):
        assert (run(job).state, job.problem) == ("failed", "needs_reauth")
    assert job.items_done == 50
    state = person.state(provider)
    assert (state["status"], state["last_sync_status"]) == ("needs_reauth", "failed")


def answers(monkeypatch: pytest.MonkeyPatch, *bodies: bytes, status: int = 200) -> list[Any]:
    """The platform gives these answers in turn, the last one for ever; what it was asked."""
    asked: list[Any] = []

    def ask(_provider: Any, _url: str, _token: str, params: Any = None) -> Answer:
        asked.append(params)
        return Answer(status, {}, bodies[min(len(asked), len(bodies)) - 1])

    monkeypatch.setattr(platform_api, "ask", ask)
    return asked


def body(number: int, cursor: str) -> bytes:
    """A page with one message."""
    text = '{"messages":[{"id":"%d","sent_at":"2026-05-01T12:00:00Z","text":"x"}],"next_cursor":"%s"}'
    return (text % (number, cursor)).encode()


def test_a_cursor_that_comes_again_ends_the_job(job: ExtractionJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one of an earlier page: a, b, a."""
    asked = answers(monkeypatch, body(1, "a"), body(2, "b"), body(3, "a"))
    assert (run(job).state, job.problem) == ("failed", "malformed")
    assert len(asked) == 3


def test_pages_without_end_end_the_job(job: ExtractionJob, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform that always has another cursor is not followed for ever."""
    monkeypatch.setattr(runner, "MOST_PAGES", 5)
    asked = answers(monkeypatch, *(body(number, f"c{number}") for number in range(10)))
    assert (run(job).state, job.pages_done) == ("completed", 5)
    assert len(asked) == 5
    assert item_ids(person.id) == ["0", "1", "2", "3", "4"]


def test_a_token_that_is_refused_again_and_again_is_a_failed_page(
    platforms: SandboxUnderTest, job: ExtractionJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One renewal for each attempt, not more."""
    asked = answers(monkeypatch, b"{}", status=401)
    assert (run(job).state, job.attempts) == ("queued", 1)
    assert len(asked) == 2
    assert platforms.calls()["oauth"] == 1


def test_hostile_text_reaches_the_database_clean(
    job: ExtractionJob, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL would refuse a NUL; nobody wants to see an escape sequence."""
    hostile = b'{"id":"1","sent_at":"2026-05-01T12:00:00Z","text":"a\\u0000b\\u001b[31m","topics":["\\u202eX"]}'
    answers(monkeypatch, b'{"messages":[%b]}' % hostile)
    assert run(job).state == "completed"
    (item,) = job.connection.items.all()
    assert (item.title, item.labels) == ("a b [31m", ["x"])


def test_a_platform_that_is_not_offered_any_more_fails_the_job(job: ExtractionJob) -> None:
    """As when the site went from the sandbox to live platforms."""
    ExtractionJob.objects.filter(pk=job.pk).update(provider="myspace")
    assert (run(job).state, job.problem) == ("failed", "not_offered")


def test_the_relay_tells_of_those_that_are_due(job: ExtractionJob) -> None:
    """Not of one that waits or runs; of one whose worker fell silent."""
    due = ExtractionJob.objects.filter(pk=job.pk)
    told: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broker, "send", lambda found: told.append(list(found)) or len(found))

        def tells() -> bool:
            told.clear()
            broker.send_waiting()
            return told == [[job.pk]]

        now = timezone.now()
        assert tells()
        due.update(not_before=now + timedelta(minutes=1))
        assert not tells()
        due.update(not_before=now - timedelta(minutes=1), enqueued_at=now)
        assert not tells()
        due.update(enqueued_at=now - timedelta(minutes=1))
        assert tells()
        due.update(state="running", lease="x", lease_until=now + timedelta(minutes=1))
        assert not tells()
        due.update(lease_until=now - timedelta(seconds=1))
        assert tells()
        due.update(state="completed")
        assert not tells()
