"""What one person has, or one platform does, is nobody else's matter: all have their turn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cache_platform.exceptions import SourceError, SourceMalformed
from cache_platform.outages import FAILURES
from connectors import oauth, platform_api, revocations
from connectors.access import access_token
from connectors.extraction import broker, runner
from connectors.models import ExtractedItem, ExtractionJob, PlatformConnection, TokenRevocation
from connectors.platform_api import ask, at, data_source, json_of, oauth_source
from connectors.providers import get_provider
from connectors.revocations import GIVEN_UP, attempt_due
from connectors.tokens import Tokens, sealed
from tests.integration.connectors.real_databases import Walks, connected, new_user
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks
from tests.integration.connectors.test_access import ME
from tests.unit.provider_double import answering

FORBIDDEN = "<h1>Forbidden</h1>"


def answer(request: httpx.Request) -> httpx.Response:
    """More than is read of a platform's data for mallory, and little for others."""
    if "mallory" in request.headers["authorization"]:
        return httpx.Response(200, content=b'["' + b"x" * platform_api.DATA_LIMITS.max_bytes + b'"]')
    return httpx.Response(200, json={"items": []})


def test_answer_that_is_too_large_is_of_one_person(walks: Walks) -> None:
    """However often it comes, the platform is not taken for away: others are answered, by the same source."""
    provider = get_provider("daybook")
    assert provider.data is not None
    with data_source("daybook").through(httpx.MockTransport(answer)):
        for _ in range(FAILURES + 1):
            with pytest.raises(SourceMalformed):
                ask(provider, provider.data.url, "mallory")
        assert ask(provider, provider.data.url, "ada").status == 200
        assert ask(provider, provider.profile.url, "ada").status == 200


def test_failure_of_the_data_counts_once(walks: Walks) -> None:
    """A platform that is away is left alone after as many as any other source."""
    provider, asked = get_provider("daybook"), list[httpx.Request]()
    assert provider.data is not None
    with data_source("daybook").through(answering(httpx.Response(503), requests=asked)):
        for _ in range(FAILURES + 3):
            with pytest.raises(SourceError):
                ask(provider, provider.data.url, "ada")
    assert len(asked) == FAILURES


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refusal_in_html_is_of_one_request(walks: Walks, status: int) -> None:
    """As of a firewall before the platform, which does not like one person's code; others' tokens are renewed."""
    provider = get_provider("chirper")

    def token(request: httpx.Request) -> httpx.Response:
        if b"script" in request.content:
            return httpx.Response(status, html=FORBIDDEN)
        return httpx.Response(200, json={"access_token": "a", "token_type": "bearer", "expires_in": 60})

    with oauth_source("chirper").through(httpx.MockTransport(token)):
        for _ in range(FAILURES + 1):
            with pytest.raises(SourceMalformed, match=f"HTTP {status} without an error of OAuth"):
                oauth.fetch(provider, code="<script>", verifier="v" * 43, redirect="https://site.test/")
        assert oauth.refresh(provider, Tokens("x", "y"), ()).tokens == Tokens("a", "y")


def test_platform_whose_good_answers_are_nonsense_is_away(walks: Walks) -> None:
    """A 200 that is no token is no matter of one request."""
    provider, asked = get_provider("chirper"), list[httpx.Request]()
    with oauth_source("chirper").through(answering(httpx.Response(200, html=FORBIDDEN), requests=asked)):
        for _ in range(FAILURES + 3):
            with pytest.raises(SourceError):
                oauth.refresh(provider, Tokens("x", "y"), ())
    assert len(asked) == FAILURES


@pytest.fixture
def row(database: str, walks: Walks) -> PlatformConnection:
    """A connection with several pages of messages."""
    return connected(walks, new_user(), "chirper")


def ids_of(row: PlatformConnection) -> list[str]:
    """What the platform has in all, and in how many pages: the ids, sorted."""
    provider = get_provider(row.provider)
    data = provider.data
    assert data is not None
    found: list[str] = []
    params: dict[str, Any] = {data.size_param: data.page_size}
    while True:
        body = json_of(provider, ask(provider, data.url, access_token(row.pk), params))
        found += [str(each["id"]) for each in at(body, data.items)]
        cursor = at(body, data.next_cursor)
        if cursor is None:
            return sorted(found)
        params[data.cursor_param] = cursor


def test_job_gives_way_and_goes_on_behind_its_last_page(
    walks: Walks, row: PlatformConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its turn it is due at once, its worker free, and nobody told yet; it reads each page and item once."""
    monkeypatch.setattr(runner, "TURN", 0.0, raising=False)
    there = ids_of(row)
    job = ExtractionJob.objects.create(connection=row, user_id=row.user_id, provider=row.provider)
    calls = walks.sandbox.calls()["platform"]
    turns = 0
    while job.state == "queued" and turns < 100:
        ExtractionJob.objects.filter(pk=job.pk).update(enqueued_at=timezone.now())
        runner.run(job.pk)
        job.refresh_from_db()
        turns += 1
        assert (job.pages_done, job.attempts, job.lease, job.problem) == (turns, 0, "", "")
        assert ExtractedItem.objects.filter(connection=row).count() == job.items_done
        if job.state == "queued":
            assert job.enqueued_at is None
            assert broker._waiting(None, now=timezone.now()) == [job.pk]
    assert (job.state, job.items_done) == ("completed", len(there))
    assert turns > 1
    assert walks.sandbox.calls()["platform"] - calls == turns
    items = ExtractedItem.objects.filter(connection=row)
    assert sorted(items.values_list("item_id", flat=True)) == there


class Ticks:
    """`time` for the runner: its monotonic clock moves four seconds a look."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._now = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def monotonic(self) -> float:
        """Four seconds later than before."""
        self._now += 4.0
        return self._now


def test_turn_is_of_time_and_holds_several_pages(row: PlatformConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten seconds: with four a page it ends behind the third."""
    monkeypatch.setattr(runner, "time", Ticks(runner.time))
    job = ExtractionJob.objects.create(connection=row, user_id=row.user_id, provider=row.provider)
    runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.pages_done) == ("queued", 3)


def revocation(row: PlatformConnection, provider: str, **columns: Any) -> TokenRevocation:
    """Tokens at that platform that are to be taken back, longer due than others."""
    text = sealed(Tokens("a", "b"), user_id=row.user_id, provider=provider)
    due = {"not_before": timezone.now() - timedelta(minutes=5), **columns}
    return TokenRevocation.objects.create(owner_id=row.user_id, provider=provider, sealed_tokens=text, **due)


def test_platform_that_is_away_does_not_take_the_others_places(
    walks: Walks, row: PlatformConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its tokens more are to be taken back than a round asks for."""
    monkeypatch.setattr(revocations, "ENOUGH", 2)
    away = [revocation(row, "daybook").pk for _ in range(3)]
    access = access_token(row.pk)
    revocations.note(user_id=row.user_id, provider="chirper", sealed_tokens=row.sealed_tokens)
    with oauth_source("daybook").through(answering(httpx.Response(503))):
        assert attempt_due() == 1
    assert not walks.opens(access, ME)
    left = TokenRevocation.objects.values_list("pk", "attempts")
    assert dict(left) == dict(zip(away, (1, 1, 0), strict=True))


def test_what_is_given_up_is_said(row: PlatformConnection, caplog: pytest.LogCaptureFixture) -> None:
    """Once, with how many they are; the tokens of others go on."""
    for _ in range(2):
        revocation(row, "daybook", created_at=timezone.now() - GIVEN_UP - timedelta(minutes=1))
    later = timezone.now() + timedelta(hours=1)
    kept = revocation(row, "daybook", not_before=later)
    with caplog.at_level(logging.WARNING, logger="connectors.revocations"):
        attempt_due()
        attempt_due()
    assert [record.getMessage()[:29] for record in caplog.records] == ["2 tokens were not taken back "]
    assert list(TokenRevocation.objects.values_list("pk", flat=True)) == [kept.pk]


def jobs_of(count: int, told: Callable[[int], Any]) -> list[ExtractionJob]:
    """So many jobs that are due for an hour, of so many users; number n was told of at `told(n)`."""
    hour_ago = timezone.now() - timedelta(hours=1)
    made = []
    for number in range(count):
        row = PlatformConnection.objects.create(user=new_user(), provider="chirper", status="connected")
        mine = {"connection": row, "user_id": row.user_id, "provider": "chirper"}
        times = {"not_before": hour_ago, "created_at": hour_ago, "enqueued_at": told(number)}
        made.append(ExtractionJob.objects.create(**mine, **times))
    return made


def test_look_for_jobs_that_wait_is_bounded(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait, in one query; those that nobody was told of come first."""
    monkeypatch.setattr(broker, "MOST_AT_ONCE", 1)
    now = timezone.now()
    lately = jobs_of(11, lambda number: now - timedelta(seconds=20 + number))
    untold = jobs_of(1, lambda _number: None)
    looked_at: list[ExtractionJob] = []
    real = broker.is_untold

    def look(job: ExtractionJob, **given: Any) -> bool:
        looked_at.append(job)
        return real(job, **given)

    monkeypatch.setattr(broker, "is_untold", look)
    with CaptureQueriesContext(connections[database]) as queries:
        assert broker._waiting(None, now=now) == [untold[0].pk]
    assert len(queries) == 1
    assert "LIMIT 10" in queries[0]["sql"]
    assert len(looked_at) == 10
    assert len({job.pk for job in looked_at} - {job.pk for job in lately}) == 1
