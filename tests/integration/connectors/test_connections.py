"""Ending connections: everything but the record goes at once, and it is said whether the platform took part."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from connectors import tasks
from connectors.connections import Disconnected, NoConnection, disconnect, reset
from connectors.models import ExtractionJob, PlatformConnection, TokenRevocation
from connectors.states import read_connections, read_status
from tests.integration.connectors.platforms import take_all_for_well
from tests.integration.connectors.real_databases import (
    Walks,
    at_once,
    connected,
    counts,
    extracted,
    items_of,
    new_user,
    tokens_of,
)
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks

pytestmark = pytest.mark.usefixtures("database")

PROFILE = {"chirper": "/platforms/chirper/api/me", "daybook": "/platforms/daybook/oauth2/v3/userinfo"}
PROFILE |= {"codeyard": "/platforms/codeyard/user", "tunebox": "/platforms/tunebox/v1/me"}


def live(walks: Walks) -> tuple[object, object]:
    """How many access and refresh tokens the sandbox would accept."""
    found = walks.control()
    return found["access_tokens"], found["refresh_tokens"]


@pytest.mark.parametrize("slug", ["daybook", "codeyard", "chirper"])
def test_platform_takes_the_tokens_back(walks: Walks, slug: str) -> None:
    """Each in its way; none of them is good any more, and nothing is left to be done."""
    user = new_user()
    before = live(walks)
    row = connected(walks, user, slug)
    access = tokens_of(row).access
    assert disconnect(user.pk, slug) == Disconnected(provider=slug, revoked=True, revocation="revoked")
    assert live(walks) == before
    assert not walks.opens(access, PROFILE[slug])
    assert TokenRevocation.objects.count() == 0


def test_platform_that_cannot_revoke_is_said_to(walks: Walks) -> None:
    """Spotify has no endpoint for it; the tokens are forgotten here and end by themselves."""
    user = new_user()
    connected(walks, user, "tunebox")
    walks.sandbox.reset()
    found = disconnect(user.pk, "tunebox")
    assert (found.revoked, found.revocation) == (False, "unsupported")
    assert walks.sandbox.calls()["oauth"] == 0
    assert TokenRevocation.objects.count() == 0


@pytest.mark.parametrize("mode", ["error", "malformed", "rate_limited", "timeout"])
def test_platform_that_is_away_is_asked_again(walks: Walks, mode: str) -> None:
    """The connection ends at once all the same; the task has the tokens taken back later, not before its pause."""
    user = new_user()
    before = live(walks)
    connected(walks, user, "codeyard")
    walks.fault("oauth", mode)
    found = disconnect(user.pk, "codeyard")
    assert (found.revoked, found.revocation) == (False, "pending")
    row = PlatformConnection.objects.get(user_id=user.pk)
    assert (row.status, row.sealed_tokens) == ("disconnected", "")
    walks.sandbox.reset()
    take_all_for_well()
    assert tasks.revoke_tokens() == 0
    noted = TokenRevocation.objects.get()
    assert (noted.attempts, noted.owner_id) == (1, user.pk)
    TokenRevocation.objects.update(not_before=timezone.now())
    assert tasks.revoke_tokens() == 1
    assert live(walks) == before
    assert TokenRevocation.objects.count() == 0


def test_only_the_record_stays(walks: Walks) -> None:
    """No tokens, no items; the job fails; the account's name stays for the card."""
    user = new_user()
    row = connected(walks, user, "chirper")
    job = extracted(row)
    disconnect(user.pk, "chirper")
    row.refresh_from_db()
    assert (row.status, row.problem, row.sealed_tokens, row.renewable) == ("disconnected", "", "", False)
    assert (row.renew_at, row.expires_at, row.refresh_claim) == (None, None, "")
    assert row.disconnected_at is not None
    assert row.account_name
    assert items_of(user) == 0
    job.refresh_from_db()
    assert (job.state, job.problem, job.lease, job.lease_until) == ("failed", "disconnected", "", None)
    assert job.finished_at is not None


def test_job_that_is_over_is_left_as_it_is(walks: Walks) -> None:
    """It completed before."""
    user = new_user()
    job = extracted(connected(walks, user, "codeyard"))
    ExtractionJob.objects.filter(pk=job.pk).update(state="completed")
    disconnect(user.pk, "codeyard")
    job.refresh_from_db()
    assert (job.state, job.problem) == ("completed", "")


def test_connection_that_was_ended_stays_ended(walks: Walks) -> None:
    """Nothing is revoked twice, and the time of the end stays."""
    user = new_user()
    row = connected(walks, user, "chirper")
    disconnect(user.pk, "chirper")
    row.refresh_from_db()
    calls = walks.sandbox.calls()["oauth"]
    found = disconnect(user.pk, "chirper")
    assert (found.revoked, found.revocation, found.status) == (False, "none", "disconnected")
    ended_at = row.disconnected_at
    row.refresh_from_db()
    assert row.disconnected_at == ended_at
    assert walks.sandbox.calls()["oauth"] == calls


def test_what_was_never_connected_cannot_be_ended(walks: Walks) -> None:
    """Nor can another user's."""
    user, other = new_user(), new_user()
    connected(walks, other, "chirper")
    for user_id in (user.pk, 0):
        with pytest.raises(NoConnection):
            disconnect(user_id, "chirper")
    assert PlatformConnection.objects.get(user_id=other.pk).status == "connected"


def test_of_ten_disconnects_at_once_one_revokes(walks: Walks) -> None:
    """The others find it ended."""
    user = new_user()
    connected(walks, user, "chirper")
    walks.sandbox.reset()
    results = at_once(10, lambda: disconnect(user.pk, "chirper").revocation)
    assert sorted(results) == ["none"] * 9 + ["revoked"]
    assert walks.sandbox.calls()["oauth"] == 1


def test_reset_ends_all_and_says_of_each_what_became_of_it(walks: Walks) -> None:
    """Of this user only; those that had ended before are not in it."""
    user, other = new_user(), new_user()
    for slug in PROFILE:
        connected(walks, user, slug)
    connected(walks, other, "chirper")
    disconnect(user.pk, "codeyard")
    found = reset(user.pk)
    assert found.user_id == user.pk
    assert {each.provider: each.revocation for each in found.disconnected} == {
        "chirper": "revoked",
        "daybook": "revoked",
        "tunebox": "unsupported",
    }
    assert set(PlatformConnection.objects.filter(user_id=user.pk).values_list("status", "sealed_tokens")) == {
        ("disconnected", "")
    }
    assert counts(user)[0] == 4
    assert PlatformConnection.objects.get(user_id=other.pk).status == "connected"


def test_reset_goes_on_when_a_platform_is_away(walks: Walks) -> None:
    """All are ended; the tokens of all are asked for again."""
    user = new_user()
    for slug in ("daybook", "codeyard", "chirper"):
        connected(walks, user, slug)
    walks.fault("oauth", "error")
    assert {each.revocation for each in reset(user.pk).disconnected} == {"pending"}
    assert TokenRevocation.objects.count() == 3
    assert not PlatformConnection.objects.exclude(sealed_tokens="").filter(user_id=user.pk).exists()


def test_reset_that_needs_the_user_ends_that_too(walks: Walks) -> None:
    """A connection that was refused has no tokens, and is active nevertheless."""
    user = new_user()
    row = connected(walks, user, "chirper")
    PlatformConnection.objects.filter(pk=row.pk).update(status="needs_reauth", sealed_tokens="")
    (found,) = reset(user.pk).disconnected
    assert (found.provider, found.revocation) == ("chirper", "none")


def read_both(user: Any) -> list[bool]:
    """Whether status and connections come from the cache."""
    return [read_status(user.pk).cached, read_connections(user.pk).cached]


@pytest.mark.usefixtures("redis_cache")
def test_reset_of_nothing_supersedes_the_status() -> None:
    """Who resets wants to be shown what is, not what was cached; others' entries stay."""
    user, other = new_user(), new_user()
    for _ in range(2):
        read_both(user)
        read_both(other)
    assert read_both(user) == [True, True]
    assert reset(user.pk).disconnected == ()
    assert read_both(user) == [False, False]
    assert read_both(user) == read_both(other) == [True, True]


@pytest.mark.usefixtures("redis_cache")
@pytest.mark.parametrize("end", [lambda user: disconnect(user.pk, "chirper"), lambda user: reset(user.pk)])
def test_end_is_shown_by_the_first_read(walks: Walks, end: Any) -> None:
    """Not cached, and right."""
    user = new_user()
    connected(walks, user, "chirper")
    read_both(user)
    assert read_both(user) == [True, True]
    end(user)
    found = read_connections(user.pk)
    assert (found.cached, found.value.connections[0].status) == (False, "disconnected")
    assert read_status(user.pk).value.status.connected == 0
