"""Tokens that are to be taken back are, sooner or later, whoever forgot them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from connectors import revocations
from connectors.models import PlatformConnection, TokenRevocation
from connectors.platform_api import oauth_source
from connectors.revocations import GIVEN_UP, LONGEST_PAUSE, attempt, attempt_due
from connectors.tokens import Tokens, sealed
from tests.integration.connectors.real_databases import Walks, connected, new_user, tokens_of
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks
from tests.unit.provider_double import answering

pytestmark = pytest.mark.usefixtures("database")

ME = "/platforms/chirper/api/me"


@pytest.fixture
def row(walks: Walks) -> PlatformConnection:
    """A connection whose platform revokes by POST."""
    return connected(walks, new_user(), "chirper")


def noted(row: PlatformConnection, **columns: Any) -> TokenRevocation:
    """Its tokens, to be taken back."""
    found = revocations.note(user_id=row.user_id, provider=row.provider, sealed_tokens=row.sealed_tokens)
    TokenRevocation.objects.filter(pk=found.pk).update(**columns or {"attempts": 0})
    return TokenRevocation.objects.get(pk=found.pk)


DELETIONS = [
    lambda row: row.delete(),
    lambda row: PlatformConnection.objects.filter(pk=row.pk).delete(),
    lambda row: row.user.delete(),
    lambda row: User.objects.filter(pk=row.user_id).delete(),
]


@pytest.mark.parametrize("delete", DELETIONS, ids=["connection", "connections", "user", "users"])
def test_tokens_of_what_is_deleted_are_taken_back(walks: Walks, row: PlatformConnection, delete: Any) -> None:
    """With its user as well as alone; by the task, which knows the owner although the user is gone."""
    access, owner = tokens_of(row).access, row.user_id
    assert walks.opens(access, ME)
    delete(row)
    assert list(TokenRevocation.objects.values_list("owner_id", "provider")) == [(owner, "chirper")]
    assert attempt_due() == 1
    assert not walks.opens(access, ME)
    assert TokenRevocation.objects.count() == 0


def test_deletion_that_is_rolled_back_revokes_nothing(walks: Walks, row: PlatformConnection, database: str) -> None:
    """The note is in the same transaction."""

    def delete_and_fail() -> None:
        with transaction.atomic(using=database):
            row.user.delete()
            raise RuntimeError("as any error")

    with pytest.raises(RuntimeError):
        delete_and_fail()
    assert attempt_due() == 0
    assert walks.opens(tokens_of(PlatformConnection.objects.get(user_id=row.user_id)).access, ME)


def test_connection_without_tokens_leaves_nothing_behind(row: PlatformConnection) -> None:
    """There is nothing to take back."""
    PlatformConnection.objects.filter(pk=row.pk).update(sealed_tokens="")
    User.objects.get(pk=row.user_id).delete()
    assert TokenRevocation.objects.count() == 0


def test_pauses_grow_up_to_an_hour(walks: Walks, row: PlatformConnection) -> None:
    """A platform that stays away is asked rarely."""
    walks.fault("oauth", "error")
    pauses = []
    for attempts in (0, 1, 5, 6, 40):
        one = noted(row, attempts=attempts)
        assert attempt([one]) == ["pending"]
        one.refresh_from_db()
        assert one.attempts == attempts + 1
        pauses.append(round((one.not_before - timezone.now()).total_seconds() / 60))
    assert pauses == [1, 2, 32, 60, 60]
    assert timedelta(hours=1) == LONGEST_PAUSE


def test_after_a_week_it_is_given_up(walks: Walks, row: PlatformConnection) -> None:
    """Whatever the platform does; younger ones stay."""
    walks.fault("oauth", "error")
    noted(row, created_at=timezone.now() - GIVEN_UP - timedelta(seconds=1))
    young = noted(row, created_at=timezone.now() - GIVEN_UP + timedelta(minutes=1))
    assert attempt_due() == 0
    assert list(TokenRevocation.objects.all()) == [young]


def test_those_that_are_not_due_wait(row: PlatformConnection) -> None:
    """Until their moment."""
    noted(row, not_before=timezone.now() + timedelta(minutes=1))
    assert attempt_due() == 0
    assert TokenRevocation.objects.count() == 1


@pytest.mark.parametrize("text", ["", "x", "schlüssel"])
def test_tokens_that_cannot_be_read_are_given_up(row: PlatformConnection, text: str) -> None:
    """Asking again would not help."""
    assert attempt([noted(row, sealed_tokens=text)]) == ["failed"]
    assert TokenRevocation.objects.count() == 0


def test_tokens_of_somebody_else_are_not_sent(walks: Walks, row: PlatformConnection) -> None:
    """Who can write to the table cannot have others' tokens revoked."""
    assert attempt([noted(row, owner_id=row.user_id + 1)]) == ["failed"]
    assert walks.opens(tokens_of(row).access, ME)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_platform_that_refuses_is_not_asked_again(row: PlatformConnection, status: int) -> None:
    """And is not said to have revoked."""
    with oauth_source("chirper").through(answering(httpx.Response(status, json={"error": "invalid_client"}))):
        assert attempt([noted(row)]) == ["failed"]
    assert TokenRevocation.objects.count() == 0


def test_platform_that_is_not_offered_any_more_is_not_asked(row: PlatformConnection, settings: Any) -> None:
    """There are no credentials for it."""
    settings.PROVIDERS = "live"
    assert attempt([noted(row)]) == ["failed"]


def test_each_gets_its_own_outcome(walks: Walks) -> None:
    """They are asked side by side, and one that fails keeps none from the others."""
    user = new_user()
    rows = [noted(connected(walks, user, slug)) for slug in ("chirper", "tunebox", "codeyard", "daybook")]
    text = sealed(Tokens("nobody", "nobody"), user_id=user.pk + 1, provider="chirper")
    rows.insert(1, noted(PlatformConnection(user_id=user.pk, provider="chirper", sealed_tokens=text)))
    assert attempt(rows) == ["revoked", "failed", "unsupported", "revoked", "revoked"]
    assert attempt([]) == []


def test_second_attempt_of_what_is_done_is_well(walks: Walks, row: PlatformConnection) -> None:
    """The task may run while somebody disconnects: both ask, and both are told that it is done."""
    one = noted(row)
    same = TokenRevocation.objects.get(pk=one.pk)
    assert attempt([one]) == ["revoked"]
    assert attempt([same]) == ["revoked"]


def test_no_text_of_it_shows_tokens(walks: Walks, row: PlatformConnection, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the log nor the row's."""
    caplog.set_level("DEBUG")
    tokens = tokens_of(row)
    one = noted(row)
    walks.fault("oauth", "error")
    attempt([one])
    text = caplog.text + repr(one) + str(one)
    assert tokens.access not in text
    assert tokens.refresh not in text
