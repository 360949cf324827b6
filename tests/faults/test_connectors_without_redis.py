"""Connecting, extracting and disconnecting on the running site while its Redis is away, and what is served after it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.faults.actors import RelayProcess
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import PASSWORD, SiteUnderTest
from tests.services.waiting import wait_until
from tests.services.worker import WorkerUnderTest


class Ada:
    """The demo account, with a token, at several web servers of one site."""

    def __init__(self, running: SiteUnderTest, sandbox: SandboxUnderTest) -> None:
        self._sandbox = sandbox
        answer = running.client.post("/api/auth/token", json={"username": "ada", "password": PASSWORD})
        self.headers = {"Authorization": f"Bearer {answer.raise_for_status().json()['access']}"}
        with self.at(running) as client:
            self.id = client.get("/api/profile").raise_for_status().json()["data"]["user_id"]

    def at(self, running: SiteUnderTest) -> httpx.Client:
        """A client of hers at one of the servers."""
        return httpx.Client(base_url=running.url, headers=self.headers, timeout=30.0, trust_env=False, verify=False)

    def connect(self, running: SiteUnderTest, provider: str) -> httpx.Response:
        """The whole way, as a program goes it."""
        with self.at(running) as client:
            begun = client.post(f"/api/connectors/{provider}/authorize").raise_for_status()
            back = self._sandbox.consent(begun.json()["data"]["authorization_url"])
            return client.post("/api/connectors/callback", json=dict(parse_qsl(urlsplit(back).query)))

    def status(self, running: SiteUnderTest) -> tuple[dict[str, str], bool]:
        """The state of each platform, and whether it came from the cache."""
        with self.at(running) as client:
            body = client.get(f"/api/connectors/status/{self.id}").raise_for_status().json()
        return {each["provider"]: each["status"] for each in body["data"]["platforms"]}, body["cached"]


def test_connect_extract_and_disconnect_without_redis(
    site: SiteFactory, redis_server: RedisUnderTest, sandbox: SandboxUnderTest
) -> None:
    """Everything succeeds while Redis is stopped, and neither of two web servers serves anything old afterwards."""
    first = site(workers=1)
    second = site(workers=1, DATABASE_URL=first.environment["DATABASE_URL"])
    ada = Ada(first, sandbox)
    assert ada.connect(first, "daybook").status_code == 200
    for server in (first, second):
        ada.status(server)
        assert ada.status(server)[1], "it is in the cache before Redis stops"
    redis_server.kill()
    assert ada.connect(first, "tunebox").status_code == 200
    with ada.at(first) as client:
        gone = client.delete(f"/api/connectors/daybook/{ada.id}")
        assert gone.json()["data"]["revoked"] is True
        asked = client.post(f"/api/connectors/tunebox/{ada.id}/extract")
    assert asked.status_code == 202, asked.text
    for server in (first, second):
        states, cached = ada.status(server)
        assert (states["tunebox"], states["daybook"], cached) == ("connected", "disconnected", False)
    redis_server.start()
    with WorkerUnderTest(first.environment), RelayProcess(first.environment), ada.at(second) as client:
        for server in (first, second):
            states, _ = ada.status(server)
            assert (states["tunebox"], states["daybook"]) == ("connected", "disconnected")
        path = f"/api/extraction-jobs/{asked.json()['data']['job_id']}"
        wait_until(
            lambda: client.get(path).json()["data"]["state"] == "completed",
            what="the relay told the worker of the extraction",
            timeout=30,
        )
        (platform,) = [
            each
            for each in client.get(f"/api/connectors/status/{ada.id}").json()["data"]["platforms"]
            if each["provider"] == "tunebox"
        ]
        assert platform["last_sync_status"] == "completed"


@pytest.mark.long
def test_an_extraction_goes_on_when_redis_stops_in_the_middle(
    site: SiteFactory, redis_server: RedisUnderTest, sandbox: SandboxUnderTest
) -> None:
    """The worker needs the platform and the database: it finishes without Redis, and its end is seen at once."""
    running = site(workers=1)
    ada = Ada(running, sandbox)
    ada.connect(running, "chirper")
    with WorkerUnderTest(running.environment), RelayProcess(running.environment), ada.at(running) as client:
        sandbox.fault(service="platform", mode="slow", delay_ms=700)
        job = client.post(f"/api/connectors/chirper/{ada.id}/extract").raise_for_status().json()["data"]["job_id"]
        path = f"/api/extraction-jobs/{job}"
        wait_until(lambda: client.get(path).json()["data"]["items_done"] > 0, what="the first page is there")
        redis_server.kill()
        sandbox.fault(service="platform", mode="off")
        wait_until(
            lambda: client.get(path).json()["data"]["state"] == "completed", what="the extraction ends", timeout=30
        )
        redis_server.start()
        assert client.get(path).json()["data"]["state"] == "completed"
        status = client.get(f"/api/connectors/status/{ada.id}").json()["data"]
        assert [each["last_sync_status"] for each in status["platforms"] if each["provider"] == "chirper"] == [
            "completed"
        ]
