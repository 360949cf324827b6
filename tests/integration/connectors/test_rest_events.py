"""What supersedes a status: after each of it the first read is not from the cache, and right."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from connectors.access import NeedsReauth, NotConnected, access_token, refused
from connectors.models import PlatformConnection
from connectors.tokens import opened
from tests.integration.connectors.people import CALLBACK, HTML, Person, connect, platform_in
from tests.integration.connectors.platforms import consent
from tests.services.sandbox import SandboxUnderTest
from tests.services.waiting import wait_until

CONNECTIONS = "/api/oauth-connections"


def warm(person: Person) -> None:
    """Both entries are there, and are what is read."""
    for path in (person.status_path, CONNECTIONS):
        person.token.get(path)
        assert person.token.get(path).json()["cached"] is True


def assert_superseded(person: Person, provider: str, **expected: Any) -> None:
    """The first read of the status and of the connections is anew and has these fields; the second is from the
    cache, and the same."""
    status = person.status()
    assert status["cached"] is False
    found = platform_in(status, provider)
    assert {name: found[name] for name in expected} == expected
    assert person.status() == {**status, "cached": True}
    listed = person.token.get(CONNECTIONS).json()
    assert listed["cached"] is False
    recorded = [each for each in status["data"]["platforms"] if each["connection_id"]]
    assert listed["data"]["items"] == sorted(recorded, key=lambda each: str(each["provider"]))


@pytest.mark.parametrize("provider", ["tunebox", "codeyard"])
def test_connecting_supersedes(platforms: SandboxUnderTest, person: Person, provider: str) -> None:
    """By a program; the callback's own answer is not a read."""
    warm(person)
    given = consent(platforms, person.token.begin(provider))
    assert person.status()["cached"] is True
    person.token.finish(given)
    assert_superseded(person, provider, status="connected", connected=True, problem="")


def test_connecting_in_the_browser_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """By the GET that the platform sends people to."""
    given = consent(platforms, person.session.begin("chirper"))
    warm(person)
    assert person.session.get(CALLBACK, given, Accept=HTML).status_code == 303
    assert_superseded(person, "chirper", status="connected", connected=True)


def test_connecting_another_account_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """The same record, another account."""
    connect(platforms, person.token, "tunebox", account="ada")
    warm(person)
    shown = connect(platforms, person.token, "tunebox", account="linus")
    assert shown["account"].startswith("Linus")
    assert_superseded(person, "tunebox", account=shown["account"])


def test_disconnecting_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """Also a second time, when it changes nothing."""
    connect(platforms, person.token, "chirper")
    for _ in range(2):
        warm(person)
        assert person.token.delete(f"/api/connectors/chirper/{person.id}").status_code == 200
        assert_superseded(person, "chirper", status="disconnected", connected=False)


def test_disconnecting_while_the_platform_is_away_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """What the platform says is not waited for."""
    connect(platforms, person.token, "chirper")
    warm(person)
    platforms.fault(service="oauth", mode="error")
    person.token.delete(f"/api/connectors/chirper/{person.id}")
    assert_superseded(person, "chirper", status="disconnected")


def test_resetting_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """All at once."""
    for provider in ("tunebox", "chirper"):
        connect(platforms, person.token, provider)
    warm(person)
    person.token.post(f"/api/connectors/reset/{person.id}")
    assert_superseded(person, "tunebox", status="disconnected")
    assert person.state("chirper")["status"] == "disconnected"


def test_resetting_nothing_supersedes(person: Person) -> None:
    """Also when nothing was connected: who resets wants to be shown what is."""
    warm(person)
    assert person.token.post(f"/api/connectors/reset/{person.id}").json()["data"]["disconnected"] == []
    assert_superseded(person, "tunebox", status="disconnected", connection_id=None)


def test_an_extraction_that_is_completed_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """`last_sync_status` and `last_sync_at` change; the signature too."""
    connect(platforms, person.token, "codeyard")
    assert person.state("codeyard")["last_sync_status"] == ""
    signature = f"/api/signature/{person.id}"
    person.token.get(signature)
    assert person.token.get(signature).json()["cached"] is True
    warm(person)
    begun = person.token.post(f"/api/connectors/codeyard/{person.id}/extract")  # tasks run in place here
    job = person.token.get(begun["Location"]).json()["data"]
    assert (job["state"], job["progress"]) == ("completed", 1.0)
    assert_superseded(person, "codeyard", status="connected", last_sync_status="completed")
    assert person.state("codeyard")["last_sync_at"] is not None
    first = person.token.get(signature).json()
    assert first["cached"] is False
    assert first["data"]["items"] == job["items_done"] > 0


def test_time_alone_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """A token of two seconds that cannot be renewed is `expiring`, then ended, without a write: an entry never
    outlives what it says."""
    platforms.oauth(expires_in=2)
    connect(platforms, person.token, "tunebox")
    PlatformConnection.objects.update(renewable=False)
    assert person.state("tunebox")["status"] == "connected"
    seen = [("connected", True)]

    def is_over() -> bool:
        status = person.status()
        now = platform_in(status, "tunebox")["status"]
        if now != seen[-1][0]:
            seen.append((now, status["cached"]))
        return bool(now == "needs_reauth")

    wait_until(is_over, what="the token has ended")
    assert seen == [("connected", True), ("expiring", False), ("needs_reauth", False)]
    state = person.state("tunebox")
    assert (state["connected"], state["problem"]) == (False, "expired")


def test_a_refused_refresh_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """The platform does not renew: no false `connected`."""
    connect(platforms, person.token, "tunebox")
    connection = PlatformConnection.objects.get()
    platforms.oauth(refuse_refresh=True)
    PlatformConnection.objects.update(renew_at=connection.connected_at)
    warm(person)
    with pytest.raises(NeedsReauth):
        access_token(connection.pk)
    assert_superseded(person, "tunebox", status="needs_reauth", connected=False, problem="refused")
    answer = person.token.post(f"/api/connectors/tunebox/{person.id}/extract")
    assert answer.status_code == 409


def test_a_token_that_was_taken_back_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """The data API says 401 to a token that cannot be renewed."""
    connect(platforms, person.token, "codeyard")
    connection = PlatformConnection.objects.get()
    token = opened(connection.sealed_tokens, user_id=person.id, provider="codeyard").access
    warm(person)
    refused(connection.pk, token)
    assert_superseded(person, "codeyard", status="needs_reauth", connected=False, problem="refused")
    with suppress(NotConnected):
        access_token(connection.pk)


def test_a_renewed_token_supersedes(platforms: SandboxUnderTest, person: Person) -> None:
    """Its new end is shown."""
    platforms.oauth(expires_in=1000)
    connect(platforms, person.token, "tunebox")
    connection = PlatformConnection.objects.get()
    PlatformConnection.objects.update(renew_at=connection.connected_at)
    assert person.state("tunebox")["status"] == "expiring"
    warm(person)
    platforms.oauth(expires_in=3000)
    access_token(connection.pk)
    assert_superseded(person, "tunebox", status="connected")
    renewed = PlatformConnection.objects.get()
    assert renewed.expires_at is not None
    assert renewed.expires_at.timestamp() > time.time() + 2000


def test_what_fails_supersedes_nothing(platforms: SandboxUnderTest, person: Person) -> None:
    """A callback that is refused leaves the connection and its entries as they were."""
    connect(platforms, person.token, "tunebox")
    before = PlatformConnection.objects.values().get()
    given = consent(platforms, person.token.begin("tunebox"))
    warm(person)
    assert person.token.finish({**given, "code": "wrong"}).status_code == 400
    assert person.token.finish(given).status_code == 400
    assert person.status()["cached"] is True
    assert PlatformConnection.objects.values().get() == before
