"""Connecting: what is stored, what is refused, and that nothing is left of what failed."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.utils import timezone

from cache_platform.exceptions import SourceError, SourceMalformed, SourceRefused, SourceTimeout, SourceUnavailable
from connectors import authorizations, platform_api
from connectors.authorizations import LIFE, MOST_REQUESTS, CallbackRefused
from connectors.models import AuthorizationRequest, ExtractionJob, PlatformConnection, TokenRevocation
from connectors.oauth import OAuthRefused
from connectors.platform_api import data_source, oauth_source
from connectors.sealing import unseal
from tests.integration.connectors.real_databases import (
    BINDING,
    Walks,
    at_once,
    back,
    connected,
    counts,
    extracted,
    items_of,
    new_user,
    sent,
    tokens_of,
)
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks
from tests.unit.provider_double import answering

pytestmark = pytest.mark.usefixtures("database")

PROFILE = {
    "tunebox": "/platforms/tunebox/v1/me",
    "daybook": "/platforms/daybook/oauth2/v3/userinfo",
    "codeyard": "/platforms/codeyard/user",
    "chirper": "/platforms/chirper/api/me",
}


def query(url: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def refused(user: Any, given: dict[str, str], **changed: Any) -> CallbackRefused:
    """The refusal of a callback; it must not have connected anything."""
    before = counts(user)[0]
    with pytest.raises(CallbackRefused) as caught:
        back(user, given, **changed)
    assert counts(user)[0] == before
    return caught.value


@pytest.mark.parametrize(
    ("slug", "renewable", "ends"),
    [("tunebox", True, 3600), ("daybook", True, 3600), ("codeyard", False, None), ("chirper", True, 300)],
)
def test_walk_to_the_platform_and_back_connects(walks: Walks, slug: str, renewable: bool, ends: int | None) -> None:
    """The tokens open the account, and the row says whose it is and until when."""
    user = new_user()
    row = connected(walks, user, slug)
    assert (row.status, row.problem, row.renewable) == ("connected", "", renewable)
    assert row.account_id
    assert row.account_name
    assert row.scopes
    assert walks.opens(tokens_of(row).access, PROFILE[slug])
    assert bool(tokens_of(row).refresh) is renewable
    if ends is None:
        assert (row.expires_at, row.renew_at) == (None, None)
    else:
        left = (row.expires_at - timezone.now()).total_seconds()
        assert ends - 15 < left <= ends
        assert (row.expires_at - row.renew_at).total_seconds() == min(300, ends / 5)
    assert counts(user) == (1, 0)
    assert (walks.sandbox.calls()["oauth"], walks.sandbox.calls()["platform"]) == (1, 2)


def test_neither_state_nor_verifier_can_be_read_in_the_table(walks: Walks) -> None:
    """A digest of the one, the other encrypted; what the platform is shown is the challenge of the verifier."""
    user = new_user()
    shown = query(sent(user, "tunebox"))
    request = AuthorizationRequest.objects.get(user_id=user.pk)
    verifier = unseal("verifier", f"{user.pk}:tunebox", request.sealed_verifier)
    assert 43 <= len(verifier) <= 128
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
    assert (shown["code_challenge"], shown["code_challenge_method"]) == (challenge, "S256")
    columns = repr(AuthorizationRequest.objects.values().get(pk=request.pk)) + repr(request)
    assert shown["state"] not in columns
    assert verifier.decode() not in columns


def test_each_walk_has_a_state_and_a_verifier_of_its_own() -> None:
    """256 bits of state."""
    user = new_user()
    found = [query(sent(user, "tunebox")) for _ in range(3)]
    assert len({each["state"] for each in found}) == 3
    assert len({each["code_challenge"] for each in found}) == 3
    assert all(len(each["state"]) >= 43 for each in found)


def test_state_is_good_once(walks: Walks) -> None:
    """The second callback is refused, and disturbs nothing of the first."""
    user = new_user()
    given = walks.consent(sent(user, "chirper"))
    row = back(user, given)
    assert refused(user, given).reason == "unknown_state"
    assert walks.opens(tokens_of(row).access, PROFILE["chirper"])
    assert walks.sandbox.calls()["oauth"] == 1


def test_of_twenty_callbacks_at_once_one_wins(walks: Walks) -> None:
    """The database lets one through; the platform is asked once."""
    user = new_user()
    given = walks.consent(sent(user, "tunebox"))
    results = at_once(20, lambda: back(user, given))
    winners = [each for each in results if isinstance(each, PlatformConnection)]
    losers = [each.reason for each in results if isinstance(each, CallbackRefused)]
    assert (len(winners), losers) == (1, ["unknown_state"] * 19), results
    assert walks.sandbox.calls()["oauth"] == 1
    assert counts(user) == (1, 0)


def test_state_from_another_browser_of_its_user_is_refused_and_kept(walks: Walks) -> None:
    """The code is not even sent; where it was begun it can still be finished, as by a program whose user's own browser
    was led back."""
    user = new_user()
    given = walks.consent(sent(user, "tunebox"))
    assert refused(user, given, binding="session:another").reason == "foreign_state"
    assert walks.sandbox.calls()["oauth"] == 0
    assert counts(user) == (0, 1)
    assert back(user, given).status == "connected"


@pytest.mark.parametrize(
    ("begun", "words"), [("session:", "another browser"), ("family:", "program"), ("key:", "program")]
)
def test_a_foreign_state_says_where_it_was_begun(walks: Walks, begun: str, words: str) -> None:
    """So that its user knows where to finish it."""
    user = new_user()
    given = walks.consent(sent(user, "tunebox", binding=f"{begun}x"))
    assert words in refused(user, given, binding="session:another").detail


def test_state_of_another_user_is_refused_and_spent(walks: Walks) -> None:
    """Also with the same binding: the attacker's account is not connected for the victim."""
    attacker, victim = new_user(), new_user()
    given = walks.consent(sent(attacker, "tunebox"))
    assert refused(victim, given).reason == "foreign_state"
    assert refused(attacker, given).reason == "unknown_state"
    assert counts(victim) == counts(attacker) == (0, 0)


@pytest.mark.parametrize("state", ["", "x", "A" * 43, "0" * 5000])
def test_state_that_was_never_given_is_refused(state: str) -> None:
    """Whatever it is."""
    user = new_user()
    sent(user, "tunebox")
    assert refused(user, {"code": "c", "state": state}).reason == "unknown_state"
    assert counts(user) == (0, 1)


@pytest.mark.parametrize(("late", "reason"), [(timedelta(seconds=-5), None), (timedelta(0), "expired_state")])
def test_state_is_good_for_ten_minutes(walks: Walks, late: timedelta, reason: str | None) -> None:
    """Just before their end it connects; from then on it is refused, and spent."""
    assert timedelta(minutes=10) == LIFE
    user = new_user()
    given = walks.consent(sent(user, "tunebox"))
    request = AuthorizationRequest.objects.get(user_id=user.pk)
    assert request.expires_at - request.created_at == LIFE
    with mock.patch("connectors.authorizations.timezone.now", return_value=request.expires_at + late):
        if reason is None:
            assert back(user, given).status == "connected"
        else:
            assert refused(user, given).reason == reason
    assert counts(user)[1] == 0


@pytest.mark.parametrize("iss", [None, "", "https://evil.test", "{own}/", "{sandbox}/oauth/daybook"])
def test_answer_of_another_issuer_is_refused(walks: Walks, iss: str | None) -> None:
    """RFC 9207: the code may be another platform's; it is not sent anywhere."""
    user = new_user()
    given = walks.consent(sent(user, "tunebox"))
    assert given["iss"] == f"{walks.url}/oauth/tunebox"
    given["iss"] = iss and iss.format(own=given["iss"], sandbox=walks.url)
    assert refused(user, given).reason == "wrong_issuer"
    assert counts(user) == (0, 0)
    assert walks.sandbox.calls()["oauth"] == 0


@pytest.mark.parametrize("slug", ["tunebox", "codeyard", "chirper"])
def test_code_that_was_injected_is_refused(walks: Walks, slug: str) -> None:
    """Another walk's code does not fit this walk's verifier (RFC 9700, 4.5); GitHub's way to say so is HTTP 200."""
    attacker, victim = new_user(), new_user()
    stolen = walks.consent(sent(victim, slug))
    own = walks.consent(sent(attacker, slug))
    refusal = refused(attacker, {**own, "code": stolen["code"]})
    assert (refusal.reason, refusal.provider) == ("refused", slug)
    assert stolen["code"] not in f"{refusal!r} {refusal} {refusal.detail}"
    assert counts(attacker) == (0, 0)


@pytest.mark.parametrize("code", ["", " ", "x", "x" * 2000, "a&client_id=evil", "%00", "../"])
def test_code_that_nobody_issued_is_refused(walks: Walks, code: str) -> None:
    """And the state is spent."""
    user = new_user()
    given = walks.consent(sent(user, "daybook"))
    assert refused(user, {**given, "code": code}).reason == "refused"
    assert counts(user) == (0, 0)


def test_verifier_that_cannot_be_read_is_refused(walks: Walks) -> None:
    """As when it was put there by somebody who can write to the table, or its key is gone."""
    user = new_user()
    given = walks.consent(sent(user, "daybook"))
    AuthorizationRequest.objects.filter(user_id=user.pk).update(sealed_verifier="x")
    assert refused(user, given).reason == "unreadable"
    assert walks.sandbox.calls()["oauth"] == 0


def test_platform_that_is_not_offered_any_more_is_refused(walks: Walks, settings: Any) -> None:
    """The settings changed during the walk."""
    user = new_user()
    given = walks.consent(sent(user, "daybook"))
    settings.PROVIDERS = "live"
    assert refused(user, given).reason == "unknown_provider"


def test_saying_no_spends_the_state(walks: Walks) -> None:
    """And connects nothing; only for who began it."""
    user = new_user()
    given = walks.consent(sent(user, "daybook"), decision="deny")
    assert given["error"] == "access_denied"
    assert (
        authorizations.decline(user_id=user.pk, binding=BINDING, state=given["state"], error="access_denied").slug
        == "daybook"
    )
    with pytest.raises(CallbackRefused):
        authorizations.decline(user_id=user.pk, binding=BINDING, state=given["state"], error="access_denied")
    other = walks.consent(sent(user, "daybook"), decision="deny")
    with pytest.raises(CallbackRefused):
        authorizations.decline(user_id=user.pk, binding="session:another", state=other["state"], error="access_denied")
    assert counts(user) == (0, 1)


def test_open_walks_are_few_and_the_oldest_goes_first(walks: Walks) -> None:
    """Whoever begins for ever fills no table; the newest work."""
    user, other = new_user(), new_user()
    sent(other, "tunebox")
    first = query(sent(user, "tunebox"))
    urls = [sent(user, "tunebox") for _ in range(MOST_REQUESTS)]
    assert counts(user) == (0, MOST_REQUESTS)
    assert counts(other) == (0, 1)
    assert refused(user, {"code": "x", "state": first["state"]}).reason == "unknown_state"
    assert back(user, walks.consent(urls[0])).status == "connected"


def test_forgotten_are_those_whose_time_is_over() -> None:
    """Nobody came back from them."""
    user = new_user()
    sent(user, "tunebox")
    AuthorizationRequest.objects.update(expires_at=timezone.now())
    sent(new_user(), "tunebox")
    assert authorizations.forget_requests() == 1
    assert AuthorizationRequest.objects.count() == 1


FAULTS = [
    ("error", SourceUnavailable),
    ("malformed", SourceMalformed),
    ("rate_limited", SourceError),
    ("huge", SourceMalformed),
    ("timeout", SourceTimeout),
]


@pytest.mark.parametrize(("mode", "expected"), FAULTS)
def test_token_endpoint_that_fails_leaves_nothing(walks: Walks, mode: str, expected: type[Exception]) -> None:
    """HTML, 50 MB, or nothing for a minute: an error of the source in its time, and no row; the state is spent."""
    user = new_user()
    given = walks.consent(sent(user, "chirper"))
    walks.fault("oauth", mode)
    with pytest.raises(expected):
        back(user, given)
    assert counts(user) == (0, 0)
    assert TokenRevocation.objects.count() == 0


@pytest.mark.parametrize(("mode", "expected"), [*FAULTS[:2], FAULTS[3]])
def test_profile_that_fails_gives_the_tokens_back(walks: Walks, mode: str, expected: type[Exception]) -> None:
    """They were issued, so they are revoked; nothing is stored."""
    user = new_user()
    given = walks.consent(sent(user, "chirper"))
    before = walks.control()
    walks.fault("platform", mode)
    with pytest.raises(expected):
        back(user, given)
    assert counts(user) == (0, 0)
    after = walks.control()
    assert (after["access_tokens"], after["refresh_tokens"]) == (before["access_tokens"], before["refresh_tokens"])
    assert walks.sandbox.calls()["oauth"] == 2
    assert TokenRevocation.objects.count() == 0


def test_tokens_that_could_not_be_given_back_at_once_are_later(walks: Walks) -> None:
    """The whole platform went away after the exchange."""
    user = new_user()
    given = walks.consent(sent(user, "chirper"))
    before = walks.control()["refresh_tokens"]
    fetch = authorizations.oauth.fetch

    def then_away(*args: Any, **kwargs: Any) -> Any:
        granted = fetch(*args, **kwargs)
        walks.fault("oauth", "error")
        walks.fault("platform", "error")
        return granted

    with mock.patch.object(authorizations.oauth, "fetch", then_away), pytest.raises(SourceUnavailable):
        back(user, given)
    assert counts(user) == (0, 0)
    assert walks.control()["refresh_tokens"] == before + 1
    walks.sandbox.reset()
    TokenRevocation.objects.update(not_before=timezone.now())
    assert authorizations.revocations.attempt_due() == 1
    assert walks.control()["refresh_tokens"] == before


DEEP = b"[" * 900 + b"]" * 900


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (httpx.Response(200, json={}), SourceMalformed),
        (httpx.Response(200, json=[]), SourceMalformed),
        (httpx.Response(200, json={"id": None}), SourceMalformed),
        (httpx.Response(200, json={"id": ""}), SourceMalformed),
        (httpx.Response(200, json={"id": True}), SourceMalformed),
        (httpx.Response(200, json={"id": 1.5}), SourceMalformed),
        (httpx.Response(200, json={"id": {"id": 1}}), SourceMalformed),
        (httpx.Response(200, json={"id": "\x00\n\u202e"}), SourceMalformed),
        (httpx.Response(200, content=DEEP), SourceMalformed),
        (httpx.Response(200, content=b'{"id": ' + b"9" * 5000 + b"}"), SourceMalformed),
        (httpx.Response(401), SourceRefused),
        (httpx.Response(403), SourceRefused),
        (httpx.Response(429), SourceRefused),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_profile_without_an_account_connects_nothing(
    walks: Walks, response: httpx.Response, expected: type[Exception]
) -> None:
    """Whatever it says instead, the tokens are given back."""
    user = new_user()
    given = walks.consent(sent(user, "chirper"))
    before = walks.control()["refresh_tokens"]
    with data_source("chirper").through(answering(response)), pytest.raises(expected):
        back(user, given)
    assert counts(user) == (0, 0)
    assert walks.control()["refresh_tokens"] == before


@pytest.mark.parametrize(
    ("profile", "account"),
    [
        ({"id": 7, "name": "Ada"}, ("7", "Ada")),
        ({"id": "a\x00b", "name": " A\u202eda\n "}, ("ab", "Ada")),
        ({"id": "x" * 500, "name": "n" * 500}, ("x" * 200, "n" * 200)),
        ({"id": "7", "name": None, "handle": "ada"}, ("7", "ada")),
        ({"id": "7", "name": ["x"]}, ("7", "7")),
        ({"id": "<b>", "name": "<script>"}, ("<b>", "<script>")),
    ],
)
def test_account_is_printable_text_that_fits(walks: Walks, profile: object, account: tuple[str, str]) -> None:
    """What a platform says may be anything."""
    user = new_user()
    given = walks.consent(sent(user, "chirper"))
    with data_source("chirper").through(answering(httpx.Response(200, json=profile))):
        row = back(user, given)
    row.refresh_from_db()
    assert (row.account_id, row.account_name) == account


def test_reconnecting_keeps_the_record_and_what_was_extracted(walks: Walks) -> None:
    """The same row, the same items, a job that goes on, new tokens."""
    user = new_user()
    row = connected(walks, user, "tunebox")
    job = extracted(row)
    old = tokens_of(row)
    again = connected(walks, user, "tunebox")
    assert (again.pk, again.account_id) == (row.pk, row.account_id)
    assert tokens_of(again) != old
    assert (again.last_sync_status, items_of(user)) == ("completed", 1)
    job.refresh_from_db()
    assert (job.state, job.lease) == ("running", "x")
    assert walks.opens(tokens_of(again).access, PROFILE["tunebox"])


@pytest.mark.parametrize(
    ("status", "problem"), [("needs_reauth", "refused"), ("error", "unavailable"), ("disconnected", "")]
)
def test_reconnecting_mends_whatever_was(walks: Walks, status: str, problem: str) -> None:
    """The row is connected and has no problem, and no time at which it was ended."""
    user = new_user()
    row = connected(walks, user, "tunebox")
    PlatformConnection.objects.filter(pk=row.pk).update(
        status=status, problem=problem, sealed_tokens="", disconnected_at=timezone.now(), refresh_claim="x"
    )
    again = connected(walks, user, "tunebox")
    assert (again.pk, again.status, again.problem, again.disconnected_at) == (row.pk, "connected", "", None)
    assert (again.refresh_claim, again.refresh_claimed_until) == ("", None)


def test_another_account_begins_anew(walks: Walks) -> None:
    """What was extracted from the first one goes, its job fails, and its tokens are taken back: nobody holds them."""
    user = new_user()
    row = connected(walks, user, "chirper", account="ada")
    job = extracted(row)
    old = tokens_of(row)
    again = connected(walks, user, "chirper", account="grace")
    assert (again.pk, items_of(user)) == (row.pk, 0)
    assert again.account_id != row.account_id
    assert (again.last_sync_at, again.last_sync_status) == (None, "")
    job.refresh_from_db()
    assert (job.state, job.problem, job.lease) == ("failed", "account_changed", "")
    assert not walks.opens(old.access, PROFILE["chirper"])
    assert walks.opens(tokens_of(again).access, PROFILE["chirper"])
    assert TokenRevocation.objects.count() == 0


def test_failed_reconnect_leaves_what_works(walks: Walks) -> None:
    """A bad code takes nothing away."""
    user = new_user()
    row = connected(walks, user, "tunebox")
    given = walks.consent(sent(user, "tunebox"))
    with pytest.raises(CallbackRefused):
        back(user, {**given, "code": "bad"})
    row.refresh_from_db()
    assert row.status == "connected"
    assert walks.opens(tokens_of(row).access, PROFILE["tunebox"])


def test_redirect_uri_of_the_exchange_is_that_of_the_walk(walks: Walks, settings: Any) -> None:
    """Platforms compare it letter by letter, and the site may have moved meanwhile."""
    user = new_user()
    given = walks.consent(sent(user, "tunebox"))
    settings.SITE_URL = "http://127.0.0.1:9"
    assert back(user, given).status == "connected"


def test_code_that_is_refused_says_why_in_one_word(walks: Walks, caplog: pytest.LogCaptureFixture) -> None:
    """The refusal shows the platform's code, and hides all that was sent."""
    user = new_user()
    given = walks.consent(sent(user, "tunebox"))
    with mock.patch.object(authorizations.oauth, "fetch", side_effect=OAuthRefused("invalid_grant")):
        refusal = refused(user, given)
    assert refusal.detail == "Tunebox did not accept the answer (invalid_grant)."
    assert given["code"] not in caplog.text
    assert given["state"] not in caplog.text


def test_two_walks_that_come_back_at_once_leave_one_record(walks: Walks) -> None:
    """Both are good; the row has the tokens of one of them, whole."""
    user = new_user()
    waiting = [walks.consent(sent(user, "tunebox")) for _ in range(4)]
    results = at_once(4, lambda: back(user, waiting.pop()))
    assert {type(each) for each in results} == {PlatformConnection}, results
    assert counts(user) == (1, 0)
    row = PlatformConnection.objects.get(user_id=user.pk)
    assert walks.opens(tokens_of(row).access, PROFILE["tunebox"])
    assert not ExtractionJob.objects.filter(user_id=user.pk).exists()


def test_each_source_is_one_per_platform() -> None:
    """So that its outages are known to all."""
    assert oauth_source("tunebox") is oauth_source("tunebox")
    assert platform_api.data_source("tunebox") is not oauth_source("tunebox")
