"""Attacks on connecting: states and codes that are somebody else's, used, old or made up. None connects anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from connectors.authorizations import MOST_REQUESTS
from connectors.models import AuthorizationRequest, PlatformConnection, TokenRevocation
from connectors.tokens import opened
from tests.integration.accounts.credentials import PASSWORD
from tests.integration.connectors.conftest import empty_redis, person, platforms
from tests.integration.connectors.people import CALLBACK, HTML, Person, Way, connect, new_person
from tests.integration.connectors.platforms import consent, state_of
from tests.services.sandbox import SandboxUnderTest

__all__ = ["empty_redis", "person", "platforms"]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log, with all that anybody writes there."""
    caplog.set_level("DEBUG")
    return caplog


def assert_refused(answer: HttpResponse, given: dict[str, str], log: pytest.LogCaptureFixture) -> None:
    """A 400 as a problem, kept nowhere; nothing is stored, and neither it nor the log tells what was sent."""
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    assert PlatformConnection.objects.count() == 0
    assert TokenRevocation.objects.count() == 0
    for name in ("code", "state"):
        for secret in filter(None, [given.get(name)]):
            assert secret not in answer.content.decode()
            assert secret not in log.text


def asked(platforms: SandboxUnderTest) -> int:
    """How often token endpoints were asked."""
    return platforms.calls()["oauth"]


# States


def test_a_state_is_good_once(platforms: SandboxUnderTest, person: Person, log: pytest.LogCaptureFixture) -> None:
    """Replayed it is refused, before the platform is asked; the connection stays."""
    given = consent(platforms, person.session.begin("tunebox"))
    assert person.session.finish(given).status_code == 200
    before, row = asked(platforms), PlatformConnection.objects.values().get()
    for again in (person.session.finish(given), person.session.get(CALLBACK, given)):
        assert again.status_code == 400
        assert again.json()["type"] == "urn:problem:callback-refused"
        assert given["code"] not in again.content.decode() + log.text
    assert asked(platforms) == before
    assert PlatformConnection.objects.values().get() == row
    assert person.token.get("/api/oauth-connections").json()["data"]["items"][0]["status"] == "connected"


@pytest.mark.parametrize("victim", ["another user", "the same user"])
def test_a_state_of_another_browser_is_refused(
    platforms: SandboxUnderTest, person: Person, victim: str, log: pytest.LogCaptureFixture
) -> None:
    """An attacker's state and code in a victim's browser would connect the attacker's account there. The state is spent
    by it; but not by its own user, who may still finish where it was begun."""
    given = consent(platforms, person.session.begin("tunebox"), account="grace")
    browser = Client()
    browser.force_login(person.user if victim == "the same user" else new_person().user)
    lured = browser.get(CALLBACK, given, headers={"Accept": HTML})
    assert lured.status_code == 400
    assert given["code"] not in lured.content.decode()
    assert asked(platforms) == 0
    assert not PlatformConnection.objects.exists()
    if victim == "the same user":
        assert person.session.finish(given).status_code == 200
    else:
        assert_refused(person.session.finish(given), given, log)
        assert asked(platforms) == 0
    assert AuthorizationRequest.objects.count() == 0


@pytest.mark.parametrize(
    ("begun", "finished"),
    [(one, other) for one in ("session", "token", "key") for other in ("session", "token", "key") if one != other],
)
def test_what_one_credential_began_no_other_one_finishes(
    platforms: SandboxUnderTest, person: Person, begun: str, finished: str, log: pytest.LogCaptureFixture
) -> None:
    """Of the same user."""
    given = consent(platforms, person.ways[begun].begin("tunebox"))
    assert_refused(person.ways[finished].finish(given), given, log)


def test_what_one_sign_in_began_a_later_one_does_not_finish(
    platforms: SandboxUnderTest, person: Person, log: pytest.LogCaptureFixture
) -> None:
    """In the same browser: who signs in next may be somebody else."""
    given = consent(platforms, person.session.begin("tunebox"))
    person.session.client.logout()
    assert person.session.finish(given).status_code == 401
    assert person.session.client.login(username=person.user.get_username(), password=PASSWORD)
    assert_refused(person.session.finish(given), given, log)


def test_a_state_ends_after_ten_minutes(
    platforms: SandboxUnderTest, person: Person, log: pytest.LogCaptureFixture
) -> None:
    """To the second."""
    given = consent(platforms, person.session.begin("tunebox"))
    row = AuthorizationRequest.objects.get()
    assert row.expires_at - row.created_at == timedelta(minutes=10)
    AuthorizationRequest.objects.update(expires_at=timezone.now())
    answer = person.session.finish(given)
    assert_refused(answer, given, log)
    assert "10 minutes" in answer.json()["detail"]
    assert asked(platforms) == 0


def test_a_state_that_was_never_begun_is_refused(
    platforms: SandboxUnderTest, person: Person, log: pytest.LogCaptureFixture
) -> None:
    """A callback for a provider that nobody was sent to."""
    real = consent(platforms, person.session.begin("tunebox"))
    given = {**real, "state": "x" * 43}
    assert_refused(person.session.finish(given), given, log)
    assert asked(platforms) == 0
    assert AuthorizationRequest.objects.count() == 1


def test_states_are_kept_as_digests(person: Person) -> None:
    """Who reads the table cannot finish what others began, and no verifier is there to read."""
    state = state_of(person.session.begin("tunebox"))
    row = AuthorizationRequest.objects.values().get()
    assert state not in repr(row)
    answer = person.session.finish({"code": "x", "state": row["state_digest"]})
    assert answer.status_code == 400
    assert AuthorizationRequest.objects.count() == 1


def test_walks_that_are_begun_and_left_are_bounded(person: Person) -> None:
    """One user cannot fill the table."""
    for _ in range(MOST_REQUESTS + 5):
        person.token.begin("tunebox")
    assert AuthorizationRequest.objects.count() == MOST_REQUESTS


# Codes


def test_a_code_of_another_walk_is_refused_by_pkce(
    platforms: SandboxUnderTest, person: Person, log: pytest.LogCaptureFixture
) -> None:
    """Code injection: an attacker's code in the victim's own walk does not fit the victim's verifier."""
    attacker = new_person()
    stolen = consent(platforms, attacker.session.begin("tunebox"), account="grace")
    own = consent(platforms, person.session.begin("tunebox"))
    given = {**own, "code": stolen["code"]}
    assert_refused(person.session.finish(given), given, log)
    assert asked(platforms) == 1


def test_a_code_of_the_same_persons_other_walk_is_refused(
    platforms: SandboxUnderTest, person: Person, log: pytest.LogCaptureFixture
) -> None:
    """Each walk has a verifier of its own."""
    one = consent(platforms, person.session.begin("tunebox"))
    other = consent(platforms, person.session.begin("tunebox"))
    given = {**one, "code": other["code"]}
    assert_refused(person.session.finish(given), given, log)


@pytest.mark.parametrize("provider", ["tunebox", "daybook", "codeyard", "chirper"])
def test_a_made_up_code_is_refused(
    platforms: SandboxUnderTest, person: Person, provider: str, log: pytest.LogCaptureFixture
) -> None:
    """By each platform in its own way: one of them says so with 200."""
    given = {**consent(platforms, person.session.begin(provider)), "code": "made-up-code"}
    assert_refused(person.session.finish(given), given, log)


@pytest.mark.parametrize(
    "iss", [None, "", "/oauth/daybook", "/oauth/tunebox/", "/oauth/tunebox?", "https://evil.example"]
)
def test_an_answer_of_another_issuer_is_refused(
    platforms: SandboxUnderTest, person: Person, iss: str | None, log: pytest.LogCaptureFixture
) -> None:
    """Mix-up (RFC 9207): the code is not sent to a platform that did not make it."""
    given = consent(platforms, person.session.begin("tunebox"))
    assert given.pop("iss") == f"{platforms.url}/oauth/tunebox"
    if iss is not None:
        given["iss"] = f"{platforms.url}{iss}" if iss.startswith("/") else iss
    assert_refused(person.session.get(CALLBACK, given), given, log)
    assert asked(platforms) == 0


def test_a_code_of_another_platform_is_refused(
    platforms: SandboxUnderTest, person: Person, log: pytest.LogCaptureFixture
) -> None:
    """Whatever issuer it claims to be of."""
    for iss in ("tunebox", "daybook"):
        own = consent(platforms, person.session.begin("tunebox"))
        others = consent(platforms, person.session.begin("daybook"))
        given = {**own, "code": others["code"], "iss": f"{platforms.url}/oauth/{iss}"}
        assert_refused(person.session.finish(given), given, log)


# Where people are sent


EVIL = {
    "next": "https://evil.example/",
    "redirect_uri": "https://evil.example/",
    "redirect": "//evil.example/",
    "return_to": "https:evil.example",
    "url": "/\\evil.example",
}


def test_nothing_in_a_request_says_where_people_are_sent(
    platforms: SandboxUnderTest, person: Person, settings: Any
) -> None:
    """Neither the query, nor the host that it claims to be for: the platform's address and ours are fixed."""
    settings.ALLOWED_HOSTS = ["*"]
    forged = {"host": "evil.example", "X-Forwarded-Host": "evil.example", "Origin": "https://evil.example"}
    query = "&".join(f"{name}={value}" for name, value in EVIL.items())
    begun = person.session.post(f"/api/connectors/tunebox/authorize?{query}", **forged)
    url = begun.json()["data"]["authorization_url"]
    assert url.startswith(f"{platforms.url}/oauth/tunebox/authorize?")
    assert "evil" not in url
    done = person.session.get(CALLBACK, {**consent(platforms, url), **EVIL}, Accept=HTML, **forged)
    assert (done.status_code, done["Location"]) == (303, "/connectors/")


def test_a_failure_links_to_fixed_places_alone(person: Person) -> None:
    """Also on the pages of failures, for those who are signed in and for those who are not."""
    for way in (person.session, Way(Client(), {})):
        answer = way.get(CALLBACK, {"code": "x", "state": "y", **EVIL}, Accept=HTML)
        assert answer.status_code in {400, 401}
        assert "evil" not in answer.content.decode()
        assert answer["Cache-Control"] == "no-store"


def test_tokens_are_nowhere_but_in_their_column(
    platforms: SandboxUnderTest, person: Person, log: pytest.LogCaptureFixture
) -> None:
    """Not in an answer, in the log, or readable in the database, from connecting to disconnecting."""
    said, secrets = "", {"sandbox-secret"}
    for provider in ("tunebox", "daybook", "codeyard", "chirper"):
        given = consent(platforms, person.token.begin(provider))
        secrets |= {given["code"], given["state"]}
        said += person.token.finish(given).content.decode()
    rows = list(PlatformConnection.objects.all())
    for row in rows:
        tokens = opened(row.sealed_tokens, user_id=person.id, provider=row.provider)
        secrets |= {tokens.access, *filter(None, [tokens.refresh])}
    kept = repr([list(model.objects.values()) for model in (PlatformConnection, AuthorizationRequest)])
    for path in (person.status_path, "/api/oauth-connections"):
        said += person.token.get(path).content.decode()
    said += person.token.delete(f"/api/connectors/daybook/{person.id}").content.decode()
    said += person.token.post(f"/api/connectors/reset/{person.id}").content.decode()
    assert len(secrets) == 4 * 3 + 4  # codeyard has no refresh token, and the client's secret counts for all
    assert not [secret for secret in secrets if secret in said + kept + log.text + repr(rows)]


def test_disconnecting_ends_the_tokens_at_the_platform_too(platforms: SandboxUnderTest, person: Person) -> None:
    """Where it can take tokens back: one of each kind is live less than before."""
    connect(platforms, person.token, "chirper")
    before = platforms.oauth()
    person.token.delete(f"/api/connectors/chirper/{person.id}")
    after = platforms.oauth()
    kinds = ("access_tokens", "refresh_tokens")
    assert [after[kind] for kind in kinds] == [before[kind] - 1 for kind in kinds]
