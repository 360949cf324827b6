"""Connecting again: the older tokens end where that leaves the newer ones alone, and nothing old comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import httpx
import pytest

from accounts.models import User
from cache_platform import put
from cache_platform.exceptions import SourceError
from connectors import access, oauth, revocations
from connectors.access import access_token, renew
from connectors.authorizations import CallbackRefused
from connectors.connections import disconnect, reset
from connectors.extraction import quota
from connectors.models import PlatformConnection, TokenRevocation
from connectors.oauth import Granted, OAuthRefused
from connectors.platform_api import data_source, oauth_source
from connectors.policies import QUOTA
from connectors.schema import Quota
from connectors.tokens import Tokens
from tests.integration.connectors.platforms import state_of
from tests.integration.connectors.real_databases import (
    Walks,
    back,
    connected,
    counts,
    new_user,
    sent,
    tokens_of,
)
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks
from tests.integration.connectors.test_access import ME, ended

pytestmark = pytest.mark.usefixtures("database")

PROFILES = {
    "chirper": ME,
    "codeyard": "/platforms/codeyard/user",
    "daybook": "/platforms/daybook/oauth2/v3/userinfo",
}


@pytest.mark.parametrize("slug", PROFILES)
def test_tokens_from_before_are_taken_back(walks: Walks, slug: str) -> None:
    """Nobody would know of them any more; the new ones work."""
    user = new_user()
    old = tokens_of(connected(walks, user, slug)).access
    row = connected(walks, user, slug)
    assert not walks.opens(old, PROFILES[slug])
    assert walks.opens(access_token(row.pk), PROFILES[slug])
    assert TokenRevocation.objects.count() == 0
    new = tokens_of(row).access
    disconnect(user.pk, slug)
    assert not walks.opens(new, PROFILES[slug])


def test_tokens_from_before_are_taken_back_later_where_the_platform_fails(walks: Walks) -> None:
    """As after disconnecting."""
    user = new_user()
    old = tokens_of(connected(walks, user, "chirper")).access
    with mock.patch.object(oauth, "revoke", side_effect=SourceError("Chirper", "away")):
        row = connected(walks, user, "chirper")
    assert walks.opens(old, ME)
    assert TokenRevocation.objects.count() == 1
    TokenRevocation.objects.update(not_before=row.connected_at)
    assert revocations.attempt_due() == 1
    assert not walks.opens(old, ME)
    assert walks.opens(access_token(row.pk), ME)


class Google:
    """Google's servers: each code and refresh gives new tokens for the account `account`. `revoked` are the tokens that
    it was asked to take back, which would end all of that person's."""

    def __init__(self) -> None:
        self.account = "1"
        self.given = 0
        self.revoked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        address = urlsplit(str(request.url))
        if address.path == "/revoke":
            self.revoked.append(request.content.decode())
            return httpx.Response(200)
        if address.path == "/token":
            self.given += 1
            tokens = {"access_token": f"access-{self.given}", "refresh_token": f"refresh-{self.given}"}
            return httpx.Response(200, json={**tokens, "token_type": "Bearer", "expires_in": 3600})
        return httpx.Response(200, json={"sub": self.account, "name": "Ada"})

    def connected(self, user: User) -> PlatformConnection:
        """The connection after a walk to Google and back."""
        return back(user, {"code": "a-code", "state": state_of(sent(user, "google"))})


@pytest.fixture
def google(walks: Walks, settings: Any) -> Iterator[Google]:
    """Google, where this site is registered."""
    settings.OAUTH_CLIENTS = {**settings.OAUTH_CLIENTS, "google": ("an-id", "a-secret")}
    found = Google()
    with ExitStack() as sources:
        for source in (oauth_source("google"), data_source("google")):
            sources.enter_context(source.through(httpx.MockTransport(found)))
        yield found


def test_nothing_is_taken_back_where_that_ends_the_whole_grant(google: Google) -> None:
    """It would end the tokens that have just been given, too."""
    user = new_user()
    google.connected(user)
    row = google.connected(user)
    assert tokens_of(row).access == "access-2"
    assert google.revoked == []
    assert TokenRevocation.objects.count() == 0


def test_another_accounts_whole_grant_is_taken_back(google: Google) -> None:
    """It is another person's there, so that ends nothing of the new one's."""
    user = new_user()
    google.connected(user)
    google.account = "2"
    row = google.connected(user)
    assert len(google.revoked) == 1
    assert "refresh-1" in google.revoked[0]
    assert tokens_of(row).access == "access-2"


def test_what_was_still_to_be_taken_back_is_not_after_a_connect(google: Google, walks: Walks) -> None:
    """The user disconnected while Google was away, and has agreed anew since; others' tokens stay noted."""
    user, other = new_user(), new_user()
    google.connected(user)
    google.connected(other)
    chirper = connected(walks, user, "chirper")
    with mock.patch.object(oauth, "revoke", side_effect=SourceError("Google", "away")):
        disconnect(user.pk, "google")
        disconnect(other.pk, "google")
        disconnect(user.pk, chirper.provider)
    row = google.connected(user)
    left = [(other.pk, "google"), (user.pk, "chirper")]
    assert list(TokenRevocation.objects.values_list("owner_id", "provider")) == left
    TokenRevocation.objects.update(not_before=row.connected_at)
    assert revocations.attempt_due() == 2
    assert len(google.revoked) == 1
    assert "refresh-2" in google.revoked[0]  # the other's; the user's first were refresh-1


class Lost:
    """oauth.refresh, in whose middle `meanwhile` happens once; `given` is what it gave."""

    def __init__(self, meanwhile: Any) -> None:
        self._real = oauth.refresh
        self._meanwhile = meanwhile
        self.given: list[Granted] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Granted:
        found = self._real(*args, **kwargs)
        self.given.append(found)
        if len(self.given) == 1:
            self._meanwhile()
        return found


@pytest.fixture
def asked_back() -> Iterator[list[Tokens]]:
    """The tokens that platforms are asked to take back."""
    found: list[Tokens] = []
    real = oauth.revoke

    def revoke(provider: Any, tokens: Tokens) -> None:
        found.append(tokens)
        real(provider, tokens)

    with mock.patch.object(oauth, "revoke", revoke):
        yield found


def lose(row: PlatformConnection) -> None:
    """As if a refresh had stalled for so long that its claim has ended."""
    PlatformConnection.objects.filter(pk=row.pk).update(refresh_claim="", refresh_claimed_until=None)


def test_refresh_that_came_too_late_gives_its_tokens_back(walks: Walks, asked_back: list[Tokens]) -> None:
    """The user has connected anew meanwhile; what counts is the newer consent."""
    user = new_user()
    row = connected(walks, user, "chirper")
    ended(row)
    late = Lost(lambda: connected(walks, user, "chirper"))
    with mock.patch.object(access.oauth, "refresh", late):
        assert renew(row.pk) == tokens_of(row)
    (given,) = late.given
    assert given.tokens in asked_back
    assert not walks.opens(given.tokens.access, ME)
    assert walks.opens(tokens_of(row).access, ME)


def test_refresh_that_came_too_late_keeps_the_refresh_token_that_counts(walks: Walks, asked_back: list[Tokens]) -> None:
    """The platform gives the same one each time: to take it back would end what somebody else has just renewed."""
    row = connected(walks, new_user(), "daybook")
    ended(row)

    def meanwhile() -> None:
        lose(row)
        renew(row.pk)

    late = Lost(meanwhile)
    with mock.patch.object(access.oauth, "refresh", late):
        assert renew(row.pk) == tokens_of(row)
    first, second = late.given
    assert first.tokens.refresh == second.tokens.refresh
    assert tokens_of(row) == second.tokens
    assert asked_back == []
    assert walks.opens(tokens_of(row).access, PROFILES["daybook"])


def test_refresh_that_came_too_late_keeps_what_would_end_the_whole_grant(google: Google) -> None:
    """At Google one token cannot be taken back alone."""
    user = new_user()
    row = google.connected(user)
    ended(row)
    late = Lost(lambda: google.connected(user))
    with mock.patch.object(access.oauth, "refresh", late):
        assert renew(row.pk) == tokens_of(row)
    assert tokens_of(row).access == "access-3"
    assert google.revoked == []


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_scope"])
def test_refusal_of_the_older_consent_is_not_of_the_newer(walks: Walks, code: str) -> None:
    """The user has connected anew while the platform refused: whoever asked gets the newer token."""
    user = new_user()
    row = connected(walks, user, "chirper")
    ended(row)

    def refuse(*_given: Any) -> Granted:
        connected(walks, user, "chirper")
        raise OAuthRefused(code)

    with mock.patch.object(access.oauth, "refresh", refuse):
        found = renew(row.pk)
    assert found == tokens_of(row)
    assert (row.status, row.problem) == ("connected", "")
    assert walks.opens(found.access, ME)


def test_another_account_has_a_quota_of_its_own(walks: Walks) -> None:
    """That of the one before is used up, which says nothing of this one."""
    user = new_user()
    row = connected(walks, user, "chirper", account="ada")
    now = time.time()
    put(QUOTA, {"connection_id": row.pk}, Quota(limit=5, remaining=0, resets_at=now + 600))
    assert quota.used_up_until(row.pk, now=now) is not None
    again = connected(walks, user, "chirper", account="ada")
    assert again.pk == row.pk
    assert quota.used_up_until(row.pk, now=now) is not None
    connected(walks, user, "chirper", account="grace")
    assert quota.used_up_until(row.pk, now=now) is None


def test_disconnecting_ends_the_walks_to_that_platform(walks: Walks) -> None:
    """Who comes back from one is not connected by it; those to other platforms go on."""
    user = new_user()
    connected(walks, user, "chirper")
    same, another = (walks.consent(sent(user, slug)) for slug in ("chirper", "tunebox"))
    disconnect(user.pk, "chirper")
    with pytest.raises(CallbackRefused, match="unknown_state"):
        back(user, same)
    assert PlatformConnection.objects.get(user=user, provider="chirper").status == "disconnected"
    assert back(user, another).status == "connected"


def test_reset_ends_all_walks_of_its_user(walks: Walks) -> None:
    """Of that user alone."""
    user, other = new_user(), new_user()
    connected(walks, user, "chirper")
    mine = [walks.consent(sent(user, slug)) for slug in ("chirper", "tunebox")]
    foreign = walks.consent(sent(other, "tunebox"))
    reset(user.pk)
    for given in mine:
        with pytest.raises(CallbackRefused, match="unknown_state"):
            back(user, given)
    assert counts(user) == (1, 0)
    assert back(other, foreign).status == "connected"


def test_another_accounts_connect_drops_what_could_end_it(google: Google) -> None:
    """A, then B while Google is away, then A again: A's older tokens must not be taken back any more."""
    user = new_user()
    google.connected(user)
    with mock.patch.object(oauth, "revoke", side_effect=SourceError("Google", "away")):
        google.account = "2"
        google.connected(user)
    assert TokenRevocation.objects.get().account_id == "1"
    google.account = "1"
    google.connected(user)
    assert TokenRevocation.objects.count() == 0
    assert len(google.revoked) == 1
    assert "refresh-2" in google.revoked[0]
