"""An access token that is good now: one refresh at a time, refusals told from outages, nothing stored too late."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import httpx
import pytest
from django.utils import timezone

from cache_platform import peek
from cache_platform.exceptions import SourceError, SourceMalformed, SourceUnavailable
from connectors import access, tasks
from connectors.access import NeedsReauth, NotConnected, access_token, refused, renew, renew_due
from connectors.connections import disconnect
from connectors.models import PlatformConnection, TokenRevocation
from connectors.platform_api import oauth_source
from connectors.policies import CONNECTIONS, STATUS
from connectors.states import read_connections, read_status
from connectors.tokens import Tokens
from tests.integration.connectors.platforms import take_all_for_well
from tests.integration.connectors.real_databases import (
    Paused,
    Walks,
    at_once,
    connected,
    in_thread,
    new_user,
    tokens_of,
)
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks
from tests.unit.provider_double import answering

pytestmark = pytest.mark.usefixtures("database")

ME = "/platforms/chirper/api/me"


def ended(row: PlatformConnection, *, expires: int = -1) -> None:
    """Let the moment at which it is to be renewed pass; `expires` seconds are left until its end."""
    now = timezone.now()
    PlatformConnection.objects.filter(pk=row.pk).update(
        renew_at=now - timedelta(seconds=2), expires_at=now + timedelta(seconds=expires)
    )


@pytest.fixture
def row(walks: Walks) -> PlatformConnection:
    """A connection whose platform rotates refresh tokens, and counts from 0."""
    found = connected(walks, new_user(), "chirper")
    walks.sandbox.reset()
    return found


def state(row: PlatformConnection) -> tuple[str, str]:
    """Its status and problem, as stored."""
    row.refresh_from_db()
    return row.status, row.problem


def test_token_that_is_good_is_given_without_asking(walks: Walks, row: PlatformConnection) -> None:
    """Nobody is called."""
    assert access_token(row.pk) == tokens_of(row).access
    assert walks.sandbox.calls()["oauth"] == 0


def test_token_that_ends_soon_is_renewed_first(walks: Walks, row: PlatformConnection) -> None:
    """Both tokens are new, and the new ones are stored."""
    old = tokens_of(row)
    ended(row, expires=60)
    found = access_token(row.pk)
    assert found == tokens_of(row).access != old.access
    assert tokens_of(row).refresh != old.refresh
    assert walks.opens(found, ME)
    assert row.renew_at is not None
    assert row.renew_at > timezone.now()
    assert (row.refresh_claim, row.refresh_claimed_until) == ("", None)
    assert access_token(row.pk) == found
    assert walks.sandbox.calls()["oauth"] == 1


def test_refresh_token_that_is_not_rotated_stays(walks: Walks) -> None:
    """As Google's."""
    row = connected(walks, new_user(), "daybook")
    old = tokens_of(row)
    ended(row)
    renew(row.pk)
    assert tokens_of(row).refresh == old.refresh
    assert tokens_of(row).access != old.access


def test_twenty_at_once_refresh_once(walks: Walks, row: PlatformConnection) -> None:
    """A second refresh with the same token would revoke the whole family; all get the new token."""
    ended(row)
    results = at_once(20, lambda: renew(row.pk))
    assert results == [tokens_of(row)] * 20
    assert walks.sandbox.calls()["oauth"] == 1
    assert walks.opens(tokens_of(row).access, ME)


def test_twenty_readers_and_the_task_refresh_once(walks: Walks, row: PlatformConnection) -> None:
    """Whoever comes first."""
    ended(row)
    task = in_thread(renew_due)
    results = at_once(20, lambda: access_token(row.pk))
    task()
    assert results == [tokens_of(row).access] * 20
    assert walks.sandbox.calls()["oauth"] == 1


def test_others_wait_and_then_give_up(row: PlatformConnection) -> None:
    """Whoever refreshes was killed: the rest are told so in time, and after the claim's end one of them refreshes."""
    ended(row)
    claimed = PlatformConnection.objects.filter(pk=row.pk)
    claimed.update(refresh_claim="of the killed", refresh_claimed_until=timezone.now() + timedelta(seconds=15))
    with mock.patch.object(access, "PATIENCE", 0.1), pytest.raises(SourceUnavailable):
        renew(row.pk)
    claimed.update(refresh_claimed_until=timezone.now() - timedelta(seconds=1))
    assert renew(row.pk) == tokens_of(row)


@pytest.fixture
def paused() -> Iterator[Paused]:
    """Refreshes stop after the platform has answered, before anything is stored."""
    pause = Paused(access.oauth.refresh)
    with mock.patch.object(access.oauth, "refresh", pause):
        yield pause
        pause.go()


def live(walks: Walks) -> int:
    """How many refresh tokens the sandbox would accept."""
    found = walks.control()["refresh_tokens"]
    assert isinstance(found, int)
    return found


def test_disconnect_in_mid_refresh_leaves_no_tokens(walks: Walks, row: PlatformConnection, paused: Paused) -> None:
    """The new ones come too late: they are given back, never stored."""
    before = live(walks)
    ended(row)
    refresh = in_thread(lambda: renew(row.pk))
    paused.wait()
    disconnect(row.user_id, row.provider)
    paused.go()
    with pytest.raises(NotConnected):
        refresh()
    assert state(row) == ("disconnected", "")
    assert row.sealed_tokens == ""
    assert live(walks) == before - 1
    assert TokenRevocation.objects.count() == 0


def test_reconnect_in_mid_refresh_keeps_the_newer_consent(
    walks: Walks, row: PlatformConnection, paused: Paused
) -> None:
    """What the refresh got is of the older consent: it is dropped, and what the user just agreed to is used. Giving it
    back could end that too, at platforms that take back all of a person's tokens at once."""
    ended(row)
    refresh = in_thread(lambda: renew(row.pk))
    paused.wait()
    connected(walks, row.user, row.provider)
    newer = tokens_of(row)
    paused.go()
    assert refresh() == newer
    assert tokens_of(row) == newer
    assert state(row) == ("connected", "")
    assert walks.opens(newer.access, ME)
    assert TokenRevocation.objects.count() == 0


def test_deletion_in_mid_refresh_gives_the_tokens_back(walks: Walks, row: PlatformConnection, paused: Paused) -> None:
    """The user is gone, the tokens too."""
    before = live(walks)
    ended(row)
    refresh = in_thread(lambda: renew(row.pk))
    paused.wait()
    row.user.delete()
    paused.go()
    with pytest.raises(NotConnected):
        refresh()
    assert live(walks) == before - 1


@pytest.fixture
def read_before(redis_cache: Any, row: PlatformConnection) -> PlatformConnection:
    """Status and connections of the user are in the cache."""
    for read in (read_status, read_connections):
        read(row.user_id)
        assert read(row.user_id).cached
    return row


def shown(row: PlatformConnection, *, cached: bool) -> tuple[str, str]:
    """Status and problem as the two policies show them, whose entries must or must not be cached."""
    status, listed = read_status(row.user_id), read_connections(row.user_id)
    assert (status.cached, listed.cached) == (cached, cached)
    (one,) = [each for each in status.value.status.platforms if each.provider == row.provider]
    assert listed.value.connections == (one,)
    return one.status, one.problem


def test_refused_refresh_needs_the_user(walks: Walks, read_before: PlatformConnection) -> None:
    """`needs_reauth`, at once, not a false `connected`; the dead tokens are deleted."""
    row = read_before
    walks.control(revoke_all=True)
    ended(row)
    with pytest.raises(NeedsReauth):
        renew(row.pk)
    assert shown(row, cached=False) == ("needs_reauth", "refused")
    row.refresh_from_db()
    assert (row.sealed_tokens, row.renewable, row.renew_at, row.expires_at) == ("", False, None, None)
    for call in (access_token, renew):
        with pytest.raises(NeedsReauth):
            call(row.pk)
    assert walks.sandbox.calls()["oauth"] == 1


def test_task_notes_a_refusal_too(walks: Walks, read_before: PlatformConnection) -> None:
    """Without anybody who asks for a token."""
    walks.control(refuse_refresh=True)
    ended(read_before)
    assert tasks.renew_tokens() == 0
    assert shown(read_before, cached=False) == ("needs_reauth", "refused")


@pytest.mark.parametrize(("mode", "problem"), [("error", "unavailable"), ("malformed", "malformed")])
def test_platform_that_is_away_is_no_refusal(
    walks: Walks, read_before: PlatformConnection, mode: str, problem: str
) -> None:
    """Expiring while the old token lives, an error afterwards, and well again by the next round of the task."""
    row = read_before
    walks.fault("oauth", mode)
    ended(row, expires=60)
    assert shown(row, cached=False) == ("expiring", "")
    assert tasks.renew_tokens() == 0
    assert shown(row, cached=True) == ("expiring", "")
    assert row.sealed_tokens
    ended(row)
    assert tasks.renew_tokens() == 0
    assert shown(row, cached=False) == ("error", problem)
    assert tokens_of(row).refresh
    walks.sandbox.reset()
    take_all_for_well()
    assert tasks.renew_tokens() == 1
    assert shown(row, cached=False) == ("connected", "")
    assert walks.opens(access_token(row.pk), ME)


def test_reader_is_told_that_the_platform_is_away(walks: Walks, row: PlatformConnection) -> None:
    """The error of the source, so that whoever extracts tries again; and the claim is free for the next."""
    walks.fault("oauth", "error")
    ended(row)
    with pytest.raises(SourceUnavailable):
        access_token(row.pk)
    row.refresh_from_db()
    assert (row.refresh_claim, row.refresh_claimed_until) == ("", None)


@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client"])
def test_refusal_of_the_site_is_not_the_users(row: PlatformConnection, code: str) -> None:
    """A wrong secret in the settings: the tokens stay, and the next round with the right one mends it."""
    ended(row)
    answer = httpx.Response(401, json={"error": code})
    with oauth_source("chirper").through(answering(answer)):
        assert renew_due() == 0
    assert state(row) == ("error", "misconfigured")
    assert tokens_of(row).refresh
    assert renew_due() == 1
    assert state(row) == ("connected", "")


def test_token_without_an_end_is_never_due(walks: Walks) -> None:
    """As GitHub's."""
    row = connected(walks, new_user(), "codeyard")
    walks.sandbox.reset()
    assert renew_due() == 0
    assert renew(row.pk).access == access_token(row.pk)
    assert state(row) == ("connected", "")
    assert walks.sandbox.calls()["oauth"] == 0


def unrenewable(row: PlatformConnection) -> None:
    """There is no refresh token."""
    PlatformConnection.objects.filter(pk=row.pk).update(renewable=False)


def test_token_that_cannot_be_renewed_is_good_until_its_end(row: PlatformConnection) -> None:
    """And then needs the user, whoever finds out first."""
    unrenewable(row)
    ended(row, expires=60)
    assert access_token(row.pk) == tokens_of(row).access
    ended(row)
    with pytest.raises(NeedsReauth):
        access_token(row.pk)
    assert state(row) == ("needs_reauth", "expired")
    assert row.sealed_tokens == ""


def test_task_notes_what_has_expired(read_before: PlatformConnection) -> None:
    """The status is superseded by it."""
    unrenewable(read_before)
    ended(read_before)
    assert tasks.renew_tokens() == 0
    assert shown(read_before, cached=False) == ("needs_reauth", "expired")


def test_token_that_the_data_refused_is_renewed_before_it_is_used_again(walks: Walks, row: PlatformConnection) -> None:
    """The platform ended it before its time."""
    walks.control(expire_all=True)
    old = access_token(row.pk)
    assert not walks.opens(old, ME)
    refused(row.pk, old)
    assert walks.opens(access_token(row.pk), ME)
    refused(row.pk, old)  # by somebody who used it before
    assert walks.sandbox.calls()["oauth"] == 1
    access_token(row.pk)
    assert walks.sandbox.calls()["oauth"] == 1


def test_refused_token_without_another_needs_the_user(walks: Walks) -> None:
    """As when somebody takes the site's access away at GitHub."""
    row = connected(walks, new_user(), "codeyard")
    refused(row.pk, access_token(row.pk))
    assert state(row) == ("needs_reauth", "refused")
    with pytest.raises(NeedsReauth):
        access_token(row.pk)


def test_what_is_not_connected_has_no_token(walks: Walks, row: PlatformConnection) -> None:
    """Ended, or never there."""
    disconnect(row.user_id, row.provider)
    calls = walks.sandbox.calls()["oauth"]
    for pk in (row.pk, 0):
        for call in (access_token, renew, lambda pk: refused(pk, "x")):
            with pytest.raises(NotConnected):
                call(pk)
    assert walks.sandbox.calls()["oauth"] == calls


def test_platform_that_is_not_offered_any_more_keeps_its_rows(row: PlatformConnection, settings: Any) -> None:
    """Its tokens stay; when it is offered again, all is well."""
    settings.PROVIDERS = "live"
    ended(row)
    assert renew_due() == 0
    with pytest.raises(NotConnected):
        access_token(row.pk)
    settings.PROVIDERS = "sandbox"
    assert renew_due() == 1


def test_one_platform_that_is_away_does_not_hold_up_the_others(walks: Walks, row: PlatformConnection) -> None:
    """Also when more of its connections are due than one round renews."""
    away = [connected(walks, new_user(), "tunebox") for _ in range(3)]
    for each in away:
        ended(each)
    PlatformConnection.objects.filter(provider="tunebox").update(renew_at=timezone.now() - timedelta(hours=1))
    ended(row, expires=60)
    transport = answering(httpx.Response(503))
    with mock.patch.object(access, "ENOUGH", 2), oauth_source("tunebox").through(transport):
        renew_due()
    assert state(row) == ("connected", "")
    assert row.renew_at is not None
    assert row.renew_at > timezone.now()


def test_refresh_supersedes_only_what_people_see(walks: Walks, read_before: PlatformConnection) -> None:
    """Claiming and encrypting anew change nothing in a status; new times do."""
    row = read_before
    mine = PlatformConnection.objects.filter(pk=row.pk)
    mine.update(refresh_claim="x", refresh_claimed_until=timezone.now(), sealed_tokens=row.sealed_tokens)
    assert peek(STATUS, {"user_id": row.user_id}) is not None
    assert peek(CONNECTIONS, {"user_id": row.user_id}) is not None
    mine.update(renew_at=timezone.now() - timedelta(seconds=1))
    assert shown(row, cached=False)[0] == "expiring"
    renew(row.pk)
    assert shown(row, cached=False)[0] == "connected"


def test_nothing_of_a_refresh_is_logged(
    walks: Walks, row: PlatformConnection, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither when it works nor when it fails."""
    caplog.set_level(logging.DEBUG)
    seen = [tokens_of(row)]
    ended(row)
    seen.append(renew(row.pk))
    for answer, expected in (
        (httpx.Response(200, json={"access_token": "leak-1", "refresh_token": "leak-2"}), SourceMalformed),
        (httpx.Response(500, json={"access_token": "leak-1"}), SourceError),
        (httpx.Response(400, json={"error": "leak-1", "error_description": "leak-2"}), SourceUnavailable),
        (httpx.Response(400, json={"error": "invalid_grant", "error_description": "leak-2"}), NeedsReauth),
    ):
        ended(row)
        with oauth_source("chirper").through(answering(answer)), pytest.raises(expected) as caught:
            renew(row.pk)
        assert "leak" not in repr(caught.value)
    texts = [text for tokens in [*seen, Tokens("leak-1", "leak-2")] for text in (tokens.access, tokens.refresh)]
    assert not [text for text in texts if text in caplog.text]
