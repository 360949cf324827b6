"""What goes wrong in a token answer, a clock or one row: the tokens of all others, and of the next round, are good."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import httpx
import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.models import User
from cache_platform.exceptions import SourceError, SourceUnavailable
from connectors import access, authorizations
from connectors.access import NeedsReauth, NotConnected, access_token, renew, renew_due
from connectors.extraction import broker, jobs, runner
from connectors.models import ExtractionJob, PlatformConnection, TokenRevocation
from connectors.oauth import Granted
from connectors.platform_api import data_source, oauth_source
from connectors.states import load_status
from tests.integration.connectors.platforms import take_all_for_well
from tests.integration.connectors.real_databases import Walks, back, connected, counts, new_user, sent, tokens_of
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks
from tests.integration.connectors.test_access import ME, ended, state
from tests.integration.connectors.test_access import row as row
from tests.unit.provider_double import answering

pytestmark = pytest.mark.usefixtures("database")

ODD_SCOPES = {
    "access_token": "a1",
    "refresh_token": "r1",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "messages.read a\x00b \x00 offline_access",
}
"""A token answer whose scopes PostgreSQL refuses to store."""


def test_scope_that_no_database_takes_connects(walks: Walks) -> None:
    """It is left out, as are all that RFC 6749 does not allow."""
    user = new_user()
    given = walks.consent(sent(user, "chirper"))
    profile = httpx.Response(200, json={"id": "1", "name": "Ada"})
    with ExitStack() as answers:
        answers.enter_context(oauth_source("chirper").through(answering(httpx.Response(200, json=ODD_SCOPES))))
        answers.enter_context(data_source("chirper").through(answering(profile)))
        row = back(user, given)
    row.refresh_from_db()
    assert (row.status, row.scopes) == ("connected", ["messages.read", "offline_access"])


def test_scope_that_no_database_takes_renews(row: PlatformConnection) -> None:
    """The new tokens are stored: the old ones are spent."""
    ended(row)
    with oauth_source("chirper").through(answering(httpx.Response(200, json=ODD_SCOPES))):
        assert renew_due() == 1
    assert tokens_of(row).refresh == "r1"
    assert row.scopes == ["messages.read", "offline_access"]


def test_row_that_cannot_be_renewed_does_not_end_the_round(
    walks: Walks, row: PlatformConnection, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it raises; it is logged, and its claim is free for the next round."""
    other = connected(walks, new_user(), "chirper")
    ended(row)
    ended(other)
    PlatformConnection.objects.filter(pk=row.pk).update(renew_at=timezone.now() - timedelta(hours=1))
    mine, real = tokens_of(row), access.oauth.refresh

    def refresh(provider: Any, tokens: Any, scopes: Any) -> Granted:
        if tokens == mine:
            raise RuntimeError("a fault of this one")
        return real(provider, tokens, scopes)

    with mock.patch.object(access.oauth, "refresh", refresh), caplog.at_level(logging.ERROR):
        assert renew_due() == 1
    other.refresh_from_db()
    assert other.renew_at is not None
    assert other.renew_at > timezone.now()
    assert f"connection {row.pk} is not renewed" in caplog.text
    assert tokens_of(row) == mine
    assert renew_due() == 1


def test_round_ends_before_the_next_begins(
    walks: Walks, row: PlatformConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are due; those that are left are of the next one."""
    monkeypatch.setattr(access, "ROUND", 0.0, raising=False)
    ended(row)
    assert renew_due() == 0
    assert walks.sandbox.calls()["oauth"] == 0
    monkeypatch.setattr(access, "ROUND", 25.0, raising=False)
    assert renew_due() == 1


def test_tokens_that_cannot_be_stored_are_given_back(walks: Walks) -> None:
    """Nobody else knows of them; the error goes on to whoever asked."""
    user = new_user()
    given = walks.consent(sent(user, "chirper"))
    fetched: list[Granted] = []
    real = authorizations.oauth.fetch

    def fetch(*args: Any, **kwargs: Any) -> Granted:
        fetched.append(real(*args, **kwargs))
        return fetched[0]

    failing = mock.patch.object(authorizations, "columns", side_effect=OperationalError("the database is gone"))
    with failing, mock.patch.object(authorizations.oauth, "fetch", fetch), pytest.raises(OperationalError):
        back(user, given)
    assert not walks.opens(fetched[0].tokens.access, ME)
    assert counts(user) == (0, 0)
    assert TokenRevocation.objects.count() == 0


OTHER_REFUSALS: list[tuple[int, Any, str]] = [
    (400, {"error": "invalid_request"}, "malformed"),
    (400, {"error": "invalid_scope"}, "malformed"),
    (400, {"error": "unsupported_grant_type"}, "malformed"),
    (403, {"error": "rate_limit_exceeded"}, "malformed"),
    (401, {"error": "Unauthorized"}, "malformed"),
    (403, {"error": {"code": 403, "message": "Rate Limit Exceeded"}}, "malformed"),
    (400, {"error": None}, "malformed"),
    (401, {"error": "invalid_client"}, "misconfigured"),
]


@pytest.mark.parametrize(("status", "body", "problem"), OTHER_REFUSALS)
def test_refusal_of_something_else_keeps_the_tokens(
    row: PlatformConnection, status: int, body: Any, problem: str
) -> None:
    """Only a refused grant is final: what is refused for a moment is mended by the next good round."""
    before = tokens_of(row)
    ended(row)
    with oauth_source("chirper").through(answering(httpx.Response(status, json=body))):
        with pytest.raises(SourceUnavailable):
            renew(row.pk)
        assert state(row) == ("error", problem)
        assert renew_due() == 0
    assert tokens_of(row) == before
    assert (row.refresh_claim, row.refresh_claimed_until) == ("", None)
    assert renew_due() == 1
    assert state(row) == ("connected", "")


@pytest.mark.parametrize("code", ["invalid_grant", "bad_refresh_token"])
@pytest.mark.parametrize("status", [200, 400])
def test_refusal_of_the_grant_is_final(row: PlatformConnection, status: int, code: str) -> None:
    """GitHub says its word of it, and with 200."""
    ended(row)
    transport = answering(httpx.Response(status, json={"error": code}))
    with oauth_source("chirper").through(transport), pytest.raises(NeedsReauth):
        renew(row.pk)
    assert state(row) == ("needs_reauth", "refused")
    assert row.sealed_tokens == ""


def test_extraction_waits_where_the_site_is_refused(row: PlatformConnection) -> None:
    """Its user can do nothing about a wrong setting, so the job does not ask for it."""
    ended(row)
    job = ExtractionJob.objects.create(connection=row, user_id=row.user_id, provider=row.provider)
    refusal = httpx.Response(401, json={"error": "invalid_client"})
    with oauth_source("chirper").through(answering(refusal)):
        runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.problem, job.attempts) == ("queued", "", 1)
    assert state(row) == ("error", "misconfigured")


@contextmanager
def at_clock(skew: float) -> Iterator[None]:
    """This process's clock goes wrong by so many seconds; the database's goes right."""
    real = timezone.now

    def now() -> datetime:
        return real() + timedelta(seconds=skew)

    with mock.patch.object(timezone, "now", now):
        yield


@pytest.mark.parametrize(("first", "second"), [(-20, 0), (0, 20), (-60, 60)])
def test_claim_holds_whatever_the_clocks_of_processes_say(
    walks: Walks, row: PlatformConnection, monkeypatch: pytest.MonkeyPatch, first: float, second: float
) -> None:
    """A second refresh with the same token would revoke the whole family."""
    monkeypatch.setattr(access, "PATIENCE", 0.0)
    ended(row, expires=-3600)
    PlatformConnection.objects.filter(pk=row.pk).update(renew_at=timezone.now() - timedelta(hours=1))
    told: list[str] = []
    real = access.oauth.refresh

    def refresh(*args: Any, **kwargs: Any) -> Granted:
        """While one process refreshes, another one comes."""
        if not told:
            told.append("by itself")
            with at_clock(second - first), pytest.raises(SourceUnavailable) as caught:
                renew(row.pk)
            told[0] = str(caught.value)
        return real(*args, **kwargs)

    with mock.patch.object(access.oauth, "refresh", refresh), at_clock(first):
        renew(row.pk)
    assert walks.sandbox.calls()["oauth"] == 1
    assert "somebody else" in told[0]
    assert walks.opens(tokens_of(row).access, ME)


def test_claim_of_the_killed_ends_whatever_the_clock_of_the_next_says(row: PlatformConnection) -> None:
    """By the database's clock, so a process whose own is behind does not wait for it longer."""
    ended(row, expires=-3600)
    killed = {"refresh_claim": "of the killed", "refresh_claimed_until": timezone.now() - timedelta(seconds=1)}
    PlatformConnection.objects.filter(pk=row.pk).update(renew_at=timezone.now() - timedelta(hours=1), **killed)
    with at_clock(-30), mock.patch.object(access, "PATIENCE", 0.0):
        renew(row.pk)
    assert state(row) == ("connected", "")


def test_tokens_of_the_deactivated_are_not_renewed(walks: Walks, row: PlatformConnection) -> None:
    """Their access ends by itself; it is renewed again when they are back."""
    before = tokens_of(row)
    ended(row, expires=60)
    user = User.objects.filter(pk=row.user_id)
    user.update(is_active=False)
    assert renew_due() == 0
    assert walks.sandbox.calls()["oauth"] == 0
    assert tokens_of(row) == before
    user.update(is_active=True)
    assert renew_due() == 1
    assert tokens_of(row) != before


def test_platform_that_is_not_offered_any_more_is_an_error_after_its_end(
    row: PlatformConnection, settings: Any
) -> None:
    """Not a false `connected`; and well again when it is offered again."""
    settings.PROVIDERS = "live"
    ended(row, expires=60)
    assert renew_due() == 0
    assert state(row) == ("connected", "")
    ended(row)
    assert renew_due() == 0
    assert state(row) == ("error", "not_offered")
    found = load_status(row.user_id)
    assert found is not None
    (shown,) = [each for each in found.status.platforms if each.provider == "chirper"]
    assert (shown.status, shown.problem, shown.connected) == ("error", "not_offered", False)
    with pytest.raises(NotConnected):
        access_token(row.pk)
    settings.PROVIDERS = "sandbox"
    assert renew_due() == 1
    assert state(row) == ("connected", "")


@pytest.mark.parametrize("mode", ["error", "malformed"])
def test_present_token_is_used_while_the_platform_gives_no_new_one(
    walks: Walks, row: PlatformConnection, mode: str
) -> None:
    """As long as it lasts, and not longer."""
    walks.fault("oauth", mode)
    ended(row, expires=60)
    assert access_token(row.pk) == tokens_of(row).access
    assert walks.opens(access_token(row.pk), ME)
    ended(row)
    with pytest.raises(SourceError):
        access_token(row.pk)
    walks.sandbox.reset()
    take_all_for_well()
    assert walks.opens(access_token(row.pk), ME)


def test_refusal_for_a_moment_leaves_what_still_works(row: PlatformConnection) -> None:
    """The present token lasts, so its connection works, and extractions go on."""
    ended(row, expires=200)
    refusal = httpx.Response(403, json={"error": "rate_limit_exceeded"})
    with oauth_source("chirper").through(answering(refusal)):
        assert access_token(row.pk) == tokens_of(row).access
        assert state(row) == ("connected", "")
        with mock.patch.object(broker, "send", return_value=0):
            assert jobs.request(row.user_id, "chirper").pk
