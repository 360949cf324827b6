"""Platforms that answer something else than tokens: a clear problem in time, nothing stored, nothing told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpResponse

from cache_platform.http import SourceLimits
from connectors.models import AuthorizationRequest, ExtractedItem, PlatformConnection, TokenRevocation
from connectors.platform_api import OAUTH_LIMITS, data_source
from tests.integration.connectors.hostile import Hostile, Reply, as_json
from tests.integration.connectors.people import Person
from tests.integration.connectors.platforms import consent, state_of
from tests.services.sandbox import SandboxUnderTest

CODE = "a-code-that-nobody-may-see"
ACCESS = "an-access-token-that-nobody-may-see"
REFRESH = "a-refresh-token-that-nobody-may-see"
SECRETS = (CODE, ACCESS, REFRESH, "sandbox-secret")
MARGIN = 3.0
"""Seconds that a busy machine may need beside the source's own deadline."""
GOOD = {"access_token": ACCESS, "refresh_token": REFRESH, "token_type": "Bearer", "expires_in": 3600}


@pytest.fixture
def hostile(platforms: SandboxUnderTest, settings: Any) -> Iterator[Hostile]:
    """A platform that means ill in the place of the sandbox."""
    with Hostile() as server:
        settings.SANDBOX_URL = server.url
        yield server


@pytest.fixture
def come_back(hostile: Hostile, person: Person) -> Callable[..., HttpResponse]:
    """What a person gets who comes back from it with a code."""

    def finish(provider: str = "tunebox") -> HttpResponse:
        state = state_of(person.token.begin(provider))
        given = {"code": CODE, "state": state, "iss": f"{hostile.url}/oauth/{provider}"}
        return person.token.finish(given)

    return finish


def assert_nothing_came_of_it(answer: HttpResponse, statuses: set[int], log: pytest.LogCaptureFixture) -> None:
    """A problem response; no row but the spent request's absence; no secret in the answer or the log."""
    assert answer.status_code in statuses, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    assert ("Retry-After" in answer) is (answer.status_code == 503)
    for model in (PlatformConnection, AuthorizationRequest, ExtractedItem):
        assert model.objects.count() == 0
    for secret in SECRETS:
        assert secret not in answer.content.decode()
        assert secret not in log.text


def but(**changes: Any) -> Reply:
    """Good tokens with something changed; None leaves it out."""
    return as_json({name: value for name, value in {**GOOD, **changes}.items() if value is not None})


ODD_TOKENS = {
    "a page as a refusal": Reply(b"<!doctype html><title>No</title>", status=400),
    "another type": but(token_type="mac"),
    "no type": but(token_type=None),
    "a type that is no text": but(token_type=["Bearer"]),
    "no token": but(access_token=None),
    "an empty token": but(access_token=""),
    "a number": but(access_token=12345),
    "a list": but(access_token=[ACCESS]),
    "100 kB": but(access_token="x" * 100_000),
    "10 kB": but(access_token="x" * 10_000),
    "a header in it": but(access_token=f"{ACCESS}\r\nX-Evil: 1"),
    "letters that no header carries": but(access_token=f"{ACCESS}\u2028"),
    "a refresh token that is no text": but(refresh_token={"a": 1}),
    "a refresh token with a space": but(refresh_token=f"{REFRESH} x"),
    "negative": but(expires_in=-1),
    "ended": but(expires_in=0),
    "huge": but(expires_in=10**18),
    "text": but(expires_in="soon"),
    "a fraction": but(expires_in=1.5),
    "infinite": as_json('{"access_token": "x", "token_type": "Bearer", "expires_in": 1e999}'),
    "not a number": as_json('{"access_token": "x", "token_type": "Bearer", "expires_in": NaN}'),
    "true": but(expires_in=True),
    "a form": Reply(f"access_token={ACCESS}&token_type=bearer".encode()),
    "an array": as_json([GOOD]),
    "null": as_json("null"),
    "a text": as_json('"Bearer"'),
    "nothing": Reply(),
    "no content": Reply(status=204),
    "HTML": Reply(b"<!doctype html><title>Soon</title>", headers={"Content-Type": "text/html"}),
    "not UTF-8": Reply(b'{"access_token": "\xff\xfe"}'),
    "too deep": as_json("[" * 50_000 + "]" * 50_000),
    "compressed in another way": Reply(b"x", headers={"Content-Encoding": "br"}),
    "a bomb": Reply(b"x", headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("reply", ODD_TOKENS.values(), ids=ODD_TOKENS.keys())
def test_odd_tokens_connect_nothing(
    hostile: Hostile, come_back: Callable[..., HttpResponse], reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    """502: the platform does not keep to what it promises."""
    caplog.set_level("DEBUG")
    hostile.token = reply
    assert_nothing_came_of_it(come_back(), {502}, caplog)
    assert hostile.asked == ["POST /oauth/tunebox/token"]
    assert TokenRevocation.objects.count() == 0


REFUSALS = {
    "by RFC 6749": as_json({"error": "invalid_grant", "error_description": ACCESS}, 400),
    "with 200": as_json({"error": "bad_verification_code", "error_description": ACCESS}),
    "as for a client": as_json({"error": "invalid_client"}, 401),
    "with a code that is no word": as_json({"error": f"<b>{ACCESS}</b>"}, 400),
    "with a code that is no text": as_json({"error": {"a": ACCESS}}, 400),
}


@pytest.mark.parametrize("reply", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_is_told_without_its_text(
    hostile: Hostile, come_back: Callable[..., HttpResponse], reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    """400; what the platform says beside its code may hold anything."""
    hostile.token = reply
    answer = come_back()
    assert_nothing_came_of_it(answer, {400}, caplog)
    assert "<" not in answer.json()["detail"]


AWAY = {
    "an error": (Reply(status=500), 503),
    "away": (Reply(status=503, headers={"Retry-After": "40"}), 503),
    "quota": (Reply(status=429, headers={"Retry-After": "40"}), 503),
    "gone": (Reply(status=404), 503),
    "later": (as_json({"error": "temporarily_unavailable"}, 400), 503),
}


@pytest.mark.parametrize(("reply", "status"), AWAY.values(), ids=AWAY.keys())
def test_a_platform_that_is_away_connects_nothing(
    hostile: Hostile,
    come_back: Callable[..., HttpResponse],
    reply: Reply,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """503, and when to come again."""
    hostile.token = reply
    answer = come_back()
    assert_nothing_came_of_it(answer, {status}, caplog)
    assert answer["Retry-After"] == ("40" if "Retry-After" in reply.headers else "5")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(
    hostile: Hostile, come_back: Callable[..., HttpResponse], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Or the code and the client's secret would be sent to wherever it points."""
    hostile.token = Reply(status=status, headers={"Location": f"{hostile.url}/oauth/trap/token"})
    assert_nothing_came_of_it(come_back(), {502}, caplog)
    assert hostile.asked == ["POST /oauth/tunebox/token"]


@pytest.mark.parametrize(("name", "statuses"), [("silence", {503}), ("drip", {503}), ("flood", {502})])
def test_an_answer_without_end_is_given_up(
    hostile: Hostile,
    come_back: Callable[..., HttpResponse],
    name: str,
    statuses: set[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Within the source's own deadline, whatever the platform does."""
    hostile.token = Reply(getattr(hostile, name))
    began = time.monotonic()
    assert_nothing_came_of_it(come_back(), statuses, caplog)
    assert time.monotonic() - began < OAUTH_LIMITS.total_timeout + MARGIN


def test_a_platform_that_is_not_there_connects_nothing(
    platforms: SandboxUnderTest, person: Person, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody listens at its address any more."""
    with Hostile() as gone:
        settings.SANDBOX_URL = gone.url
    state = state_of(person.token.begin("tunebox"))
    answer = person.token.finish({"code": CODE, "state": state, "iss": f"{gone.url}/oauth/tunebox"})
    assert_nothing_came_of_it(answer, {503}, caplog)


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [("error", {503}), ("malformed", {502}), ("huge", {502}), ("rate_limited", {503}), ("timeout", {503})],
)
def test_a_broken_sandbox_connects_nothing(
    platforms: SandboxUnderTest,
    person: Person,
    mode: str,
    statuses: set[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The real flow up to the consent, and then each of the sandbox's faults; afterwards it works again at once."""
    given = consent(platforms, person.token.begin("codeyard"))
    platforms.fault(service="oauth", mode=mode)
    began = time.monotonic()
    answer = person.token.finish(given)
    assert time.monotonic() - began < OAUTH_LIMITS.total_timeout + MARGIN
    assert_nothing_came_of_it(answer, statuses, caplog)
    assert given["code"] not in caplog.text
    assert given["state"] not in caplog.text


ODD_PROFILES = {
    "no id": as_json({"display_name": "Ada"}),
    "an id that is a list": as_json({"id": ["1"], "display_name": "Ada"}),
    "an id that is true": as_json({"id": True}),
    "an empty id": as_json({"id": " \x00 "}),
    "an array": as_json([{"id": "1"}]),
    "HTML": Reply(b"<!doctype html><title>Soon</title>"),
    "nothing": Reply(),
    "a refusal": Reply(status=401),
    "a redirect": Reply(status=302, headers={"Location": "/trap"}),
    "an error": Reply(status=500),
}


@pytest.mark.parametrize("reply", ODD_PROFILES.values(), ids=ODD_PROFILES.keys())
def test_tokens_of_nobody_connect_nothing(
    hostile: Hostile, come_back: Callable[..., HttpResponse], reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    """Good tokens, and then a profile that does not say whose they are: they are given back."""
    hostile.token, hostile.profile = as_json(GOOD), reply
    assert_nothing_came_of_it(come_back("chirper"), {502, 503}, caplog)
    assert hostile.asked == ["POST /oauth/chirper/token", "GET /platforms/chirper/api/me", "POST /oauth/chirper/revoke"]
    assert TokenRevocation.objects.count() == 0


def test_a_profile_that_never_ends_is_given_up(
    hostile: Hostile,
    come_back: Callable[..., HttpResponse],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Within the deadline of the platform's data."""
    monkeypatch.setattr(data_source("chirper"), "limits", SourceLimits(total_timeout=0.5))
    hostile.token, hostile.profile = as_json(GOOD), Reply(hostile.silence)
    began = time.monotonic()
    assert_nothing_came_of_it(come_back("chirper"), {503}, caplog)
    assert time.monotonic() - began < 0.5 + MARGIN
    assert hostile.asked[-1] == "POST /oauth/chirper/revoke"


def test_a_name_from_outside_is_text_alone(
    hostile: Hostile, come_back: Callable[..., HttpResponse], person: Person
) -> None:
    """Without control characters, and bounded."""
    hostile.token = as_json(GOOD)
    hostile.profile = as_json({"id": "1", "display_name": "A\x00d\u202ea" + "!" * 5000})
    assert come_back().status_code == 200
    account = person.state("tunebox")["account"]
    assert account.startswith("Ada!")
    assert len(account) == 200
