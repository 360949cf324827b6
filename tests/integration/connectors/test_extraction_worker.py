"""Extractions by real workers on PostgreSQL, which are killed, and users who disconnect meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from connectors.models import ExtractedItem, ExtractionJob
from tests.faults.actors import RelayProcess
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import PASSWORD, SiteUnderTest
from tests.services.waiting import wait_until
from tests.services.worker import WorkerUnderTest

SLOW = {"service": "platform", "mode": "slow", "delay_ms": 500}
PAGE = 50


class Grace:
    """A demo account that has connected chirper, and her rows."""

    def __init__(self, running: SiteUnderTest, sandbox: SandboxUnderTest, alias: str) -> None:
        self._alias = alias
        self._client = running.client
        token = self.post("/api/auth/token", {"username": "grace", "password": PASSWORD}).json()["access"]
        running.client.headers["Authorization"] = f"Bearer {token}"
        self.id = running.client.get("/api/profile").json()["data"]["user_id"]
        begun = self.post("/api/connectors/chirper/authorize").json()["data"]["authorization_url"]
        back = sandbox.consent(begun, account="grace")
        self.post("/api/connectors/callback", dict(parse_qsl(urlsplit(back).query)))
        sandbox.reset()

    def post(self, path: str, body: object = None) -> httpx.Response:
        """POST as JSON, which must succeed."""
        return self._client.post(path, json=body).raise_for_status()

    def extract(self) -> str:
        """Ask for an extraction; the job's id."""
        return str(self.post(f"/api/connectors/chirper/{self.id}/extract").json()["data"]["job_id"])

    def view(self, job: str) -> dict[str, Any]:
        """The job, through the site's cache."""
        return dict(self._client.get(f"/api/extraction-jobs/{job}").raise_for_status().json()["data"])

    def row(self, job: str) -> ExtractionJob:
        """The job's row."""
        return ExtractionJob.objects.using(self._alias).get(pk=job)

    def items(self) -> Counter[str]:
        """How often each item is stored."""
        rows = ExtractedItem.objects.using(self._alias).filter(user_id=self.id)
        return Counter(rows.values_list("item_id", flat=True))

    def disconnect(self) -> None:
        """End the connection."""
        self._client.delete(f"/api/connectors/chirper/{self.id}").raise_for_status()


@pytest.fixture
def running(site: SiteFactory, postgres_url: str, postgres_alias: str) -> SiteUnderTest:
    """The site on PostgreSQL."""
    return site(workers=1, DATABASE_URL=postgres_url)


@pytest.fixture
def grace(
    running: SiteUnderTest, sandbox: SandboxUnderTest, postgres_alias: str, django_db_blocker: Any
) -> Iterator[Grace]:
    """Grace, who leaves nothing extracted behind."""
    with django_db_blocker.unblock():
        found = Grace(running, sandbox, postgres_alias)
        yield found
        found.disconnect()


def test_a_killed_worker_is_taken_over_from(running: SiteUnderTest, sandbox: SandboxUnderTest, grace: Grace) -> None:
    """kill -9 while a page is on its way: another worker goes on behind the last page that was stored, the relay tells
    it to, and each item is there once."""
    sandbox.fault(**SLOW)
    with RelayProcess(running.environment):
        with WorkerUnderTest(running.environment, short_leases=True) as first:
            job = grace.extract()
            wait_until(lambda: grace.row(job).pages_done >= 2, what="two pages are stored")
            first.kill()
        left = grace.row(job)
        assert left.state == "running"
        assert 2 * PAGE <= left.items_done < (left.items_total or 0)
        assert grace.items().total() == left.items_done
        sandbox.fault(service="platform", mode="off")
        with WorkerUnderTest(running.environment, short_leases=True):
            wait_until(lambda: grace.view(job)["state"] == "completed", what="the job is completed", timeout=30)
    done = grace.row(job)
    stored = grace.items()
    assert len(stored) == stored.total() == done.items_done == done.items_total
    assert done.started_at == left.started_at
    pages = -(-len(stored) // PAGE)
    assert done.pages_done == pages
    assert pages <= sandbox.calls()["platform"] <= pages + 1, "only the page that was on its way is asked for again"


def test_disconnecting_while_a_worker_waits_for_a_page(
    running: SiteUnderTest, sandbox: SandboxUnderTest, grace: Grace
) -> None:
    """The worker stores nothing more, and neither waits for the other."""
    sandbox.fault(**SLOW)
    with WorkerUnderTest(running.environment) as worker:
        job = grace.extract()
        wait_until(lambda: grace.view(job)["items_done"] > 0, what="a page is stored")
        grace.disconnect()
        assert grace.view(job)["state"] == "failed"
        assert not grace.items()
        wait_until(lambda: any("was ended" in line for line in worker.lines), what="the worker notices")
    assert not grace.items()
    assert (grace.row(job).state, grace.row(job).problem) == ("failed", "disconnected")


def test_a_job_that_many_are_told_of_runs_once(
    running: SiteUnderTest, sandbox: SandboxUnderTest, grace: Grace, redis_server: RedisUnderTest
) -> None:
    """The broker holds the same message many times; two workers with four threads each take them."""
    job = grace.extract()
    with redis_server.client() as raw:
        (message,) = raw.lrange("celery", 0, -1)
        raw.rpush("celery", *[message] * 20)
        with WorkerUnderTest(running.environment), WorkerUnderTest(running.environment):
            wait_until(lambda: grace.view(job)["state"] == "completed", what="the job is completed", timeout=30)
            wait_until(lambda: not raw.llen("celery"), what="all messages are taken")
    stored = grace.items()
    assert len(stored) == stored.total() == grace.row(job).items_done
    assert sandbox.calls()["platform"] == grace.row(job).pages_done
