"""Connecting over REST: the whole way through the sandbox, by browser and by program."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as site_settings
from django.test import Client

from connectors.models import AuthorizationRequest, PlatformConnection
from tests.integration.accounts.credentials import make_key, sign_in
from tests.integration.connectors.people import CALLBACK, Person, Way, assert_problem, connect, new_person, platform_in
from tests.integration.connectors.platforms import consent
from tests.services.sandbox import SandboxUnderTest

PROVIDERS = ("tunebox", "daybook", "codeyard", "chirper")


@pytest.mark.parametrize("way", ["session", "token", "key"])
def test_each_way_goes_through_the_consent_page(platforms: SandboxUnderTest, person: Person, way: str) -> None:
    """Whoever begins finishes, and the status shows it."""
    shown = connect(platforms, person.ways[way], "tunebox", account="grace")
    assert shown["status"] == "connected"
    assert shown["connected"] is True
    assert shown["account"].startswith("Grace")
    assert shown["scopes"] == ["user-read-recently-played"]
    assert person.state("tunebox") == shown
    assert not AuthorizationRequest.objects.exists()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_platform_of_the_sandbox_can_be_connected(
    platforms: SandboxUnderTest, person: Person, provider: str
) -> None:
    """Their quirks are data: how they authenticate clients, whether tokens end, whose account it is."""
    shown = connect(platforms, person.token, provider)
    assert (shown["provider"], shown["status"]) == (provider, "connected")
    assert shown["renewable"] is (provider != "codeyard")
    assert (shown["expires_at"] is None) is (provider == "codeyard")


def test_what_people_are_sent_with(person: Person) -> None:
    """PKCE by S256, a state that is long enough, and the one address to come back to."""
    url = urlsplit(person.token.begin("tunebox"))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 43
    assert query["redirect_uri"] == f"{site_settings.SITE_URL}{CALLBACK}"
    assert query["response_type"] == "code"


def test_connecting_answers_are_kept_nowhere(platforms: SandboxUnderTest, person: Person) -> None:
    """Neither the address with the state nor what came of it has an ETag or may be stored."""
    begun = person.token.post("/api/connectors/tunebox/authorize")
    done = person.token.finish(consent(platforms, begun.json()["data"]["authorization_url"]))
    ended = person.token.delete(f"/api/connectors/tunebox/{person.id}")
    reset = person.token.post(f"/api/connectors/reset/{person.id}")
    for answer in (begun, done, ended, reset):
        assert answer.status_code == 200, answer.content
        assert answer["Cache-Control"] == "no-store"
        assert "ETag" not in answer


def test_authorize_takes_no_fields(person: Person) -> None:
    """Where people are sent back to is not theirs to say; an empty body is none."""
    path = "/api/connectors/tunebox/authorize"
    refused = assert_problem(person.token.post(path, {"redirect_uri": "https://evil.example/"}), 400)
    assert refused["errors"] == {"redirect_uri": ["is not a field here"]}
    assert not AuthorizationRequest.objects.exists()
    assert person.token.post(path, {}).status_code == 200
    assert person.token.post(path, []).status_code == 400


@pytest.mark.parametrize(
    "provider", ["nothing", "google", "TUNEBOX", "status", "reset", "callback", "a%00b", "x" * 300]
)
def test_a_platform_that_is_not_offered_is_a_404(person: Person, provider: str) -> None:
    """Unknown names, names of platforms where the site is not registered, and reserved ones."""
    assert_problem(person.token.post(f"/api/connectors/{provider}/authorize"), 404)
    assert_problem(
        person.token.delete(f"/api/connectors/{provider}/{person.id}"), 405 if provider in {"status", "reset"} else 404
    )


def test_a_key_that_may_only_read_connects_nothing(platforms: SandboxUnderTest, person: Person) -> None:
    """Neither by POST nor by the GET, which is a safe method by name alone."""
    key = {"X-API-Key": make_key(Client(), sign_in(Client(), person.user), scopes=["read"])["key"]}
    reader = Way(Client(), key)
    assert reader.get(person.status_path).status_code == 200
    assert_problem(reader.post("/api/connectors/tunebox/authorize"), 403)
    assert_problem(reader.post(CALLBACK, {"code": "x", "state": "y"}), 403)
    assert_problem(reader.post(f"/api/connectors/reset/{person.id}"), 403)
    assert_problem(reader.delete(f"/api/connectors/tunebox/{person.id}"), 403)
    given = consent(platforms, person.token.begin("tunebox"))
    assert_problem(reader.get(CALLBACK, given), 403)
    assert person.token.finish(given).status_code == 200


def test_a_refreshed_token_finishes_what_its_sign_in_began(platforms: SandboxUnderTest, person: Person) -> None:
    """The walk is bound to the sign-in, because access tokens end within minutes."""
    signed_in = sign_in(Client(), person.user)
    given = consent(platforms, Way(Client(), signed_in.bearer).begin("tunebox"))
    renewed = Client().post("/api/auth/refresh", {"refresh": signed_in.refresh}, content_type="application/json").json()
    answer = Way(Client(), {"Authorization": f"Bearer {renewed['access']}"}).finish(given)
    assert answer.status_code == 200, answer.content


# Disconnecting


@pytest.mark.parametrize(
    ("provider", "revoked", "revocation"),
    [
        ("chirper", True, "revoked"),
        ("codeyard", True, "revoked"),
        ("daybook", True, "revoked"),
        ("tunebox", False, "unsupported"),
    ],
)
def test_disconnecting_says_what_the_platform_said(
    platforms: SandboxUnderTest, person: Person, provider: str, revoked: bool, revocation: str
) -> None:
    """It is asked to take the tokens back, each in its own way."""
    connect(platforms, person.token, provider)
    answer = person.token.delete(f"/api/connectors/{provider}/{person.id}")
    assert answer.json() == {
        "success": True,
        "data": {"provider": provider, "status": "disconnected", "revoked": revoked, "revocation": revocation},
    }
    assert person.state(provider)["status"] == "disconnected"


def test_disconnecting_works_while_the_platform_is_away(platforms: SandboxUnderTest, person: Person) -> None:
    """It is done at once here, and asked of the platform again later."""
    connect(platforms, person.token, "chirper")
    platforms.fault(service="oauth", mode="error")
    answer = person.token.delete(f"/api/connectors/chirper/{person.id}")
    assert answer.status_code == 200
    assert answer.json()["data"]["revocation"] == "pending"
    assert person.state("chirper")["status"] == "disconnected"
    assert PlatformConnection.objects.get().sealed_tokens == ""


def test_a_platform_that_never_was_connected_cannot_be_disconnected(person: Person) -> None:
    """404."""
    assert_problem(person.token.delete(f"/api/connectors/tunebox/{person.id}"), 404)


def test_resetting_ends_them_all(platforms: SandboxUnderTest, person: Person) -> None:
    """And says of each what the platform said; a second time there is nothing to end."""
    for provider in ("chirper", "tunebox"):
        connect(platforms, person.token, provider)
    first = person.token.post(f"/api/connectors/reset/{person.id}").json()["data"]
    assert first["user_id"] == person.id
    assert {each["provider"]: each["revocation"] for each in first["disconnected"]} == {
        "chirper": "revoked",
        "tunebox": "unsupported",
    }
    assert person.status()["data"]["connected"] == 0
    assert person.token.post(f"/api/connectors/reset/{person.id}").json()["data"]["disconnected"] == []


def test_connecting_again_takes_up_the_same_record(platforms: SandboxUnderTest, person: Person) -> None:
    """One per user and platform."""
    first = connect(platforms, person.token, "tunebox")
    person.token.delete(f"/api/connectors/tunebox/{person.id}")
    assert connect(platforms, person.token, "tunebox")["connection_id"] == first["connection_id"]


def test_connections_are_listed(platforms: SandboxUnderTest, person: Person) -> None:
    """In the envelope of lists, those that were ended among them; of platforms that were never connected there is
    nothing."""
    empty = person.token.get("/api/oauth-connections").json()["data"]
    assert empty == {"items": [], "total": 0, "page": 1}
    connect(platforms, person.token, "tunebox")
    connect(platforms, person.token, "chirper")
    person.token.delete(f"/api/connectors/tunebox/{person.id}")
    listed = person.token.get("/api/oauth-connections").json()["data"]
    assert [(each["provider"], each["status"]) for each in listed["items"]] == [
        ("chirper", "connected"),
        ("tunebox", "disconnected"),
    ]
    assert listed["total"] == 2
    assert [each["provider"] for each in new_person().status()["data"]["platforms"]] == list(PROVIDERS)
    assert platform_in(person.status(), "chirper") == listed["items"][0]
