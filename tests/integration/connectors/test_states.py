"""The state of platforms through the cache: what time alone changes is shown in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from cache_platform.testing import FakeClock, isolated_cache
from connectors.catalogue import DEFINITIONS
from connectors.models import PlatformConnection
from connectors.states import read_connections, read_status

pytestmark = pytest.mark.django_db(transaction=True)


class Time:
    """The site's clock and the cache's, which move together."""

    def __init__(self) -> None:
        self._start = timezone.now()
        self.cache = FakeClock(int(self._start.timestamp() * 1000))

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.cache.now / 1000, UTC)

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.cache.advance(seconds)

    def after(self, seconds: float) -> datetime:
        """The moment so many seconds after the start."""
        return datetime.fromtimestamp(int(self._start.timestamp() * 1000) / 1000 + seconds, UTC)


@pytest.fixture
def clock() -> Iterator[Time]:
    """The time of this test."""
    time = Time()
    with isolated_cache(time.cache), mock.patch("connectors.states.timezone.now", time):
        yield time


@pytest.fixture
def user() -> User:
    """Somebody."""
    return User.objects.create_user("mary", password=None)


def row(user: User, clock: Time, *, renew: float | None, end: float | None, **columns: Any) -> PlatformConnection:
    """A connection of `user` whose access is to be renewed, and ends, so many seconds after the start."""
    return PlatformConnection.objects.create(
        user=user,
        provider="chirper",
        status=columns.pop("status", "connected"),
        renew_at=None if renew is None else clock.after(renew),
        expires_at=None if end is None else clock.after(end),
        sealed_tokens="sealed",
        **columns,
    )


def shown(user: User) -> tuple[str, str, bool, bool]:
    """Status, problem, whether it works, and whether that was cached; both policies say the same."""
    status, listed = read_status(user.pk), read_connections(user.pk)
    (one,) = [each for each in status.value.status.platforms if each.provider == "chirper"]
    assert listed.value.connections == (one,)
    assert listed.cached is status.cached
    assert status.value.status.connected == int(one.connected)
    return one.status, one.problem, one.connected, status.cached


def test_connection_expires_by_time_alone(user: User, clock: Time) -> None:
    """Nothing is written: the first read past each moment is not cached, and right."""
    row(user, clock, renew=40, end=60)
    assert shown(user) == ("connected", "", True, False)
    clock.advance(39)
    assert shown(user) == ("connected", "", True, True)
    clock.advance(1)
    assert shown(user) == ("expiring", "", True, False)
    clock.advance(19)
    assert shown(user) == ("expiring", "", True, True)
    clock.advance(1)
    assert shown(user) == ("needs_reauth", "expired", False, False)
    clock.advance(200)
    assert shown(user) == ("needs_reauth", "expired", False, True)


def test_connection_that_can_be_renewed_is_expiring_until_it_is(user: User, clock: Time) -> None:
    """Its end is the task's matter; but when no task runs it is not taken for connected for ever."""
    row(user, clock, renew=40, end=60, renewable=True)
    shown(user)
    clock.advance(40)
    assert shown(user) == ("expiring", "", True, False)
    clock.advance(139)
    assert shown(user) == ("expiring", "", True, True)
    clock.advance(1)
    assert shown(user) == ("error", "not_renewed", False, False)


@pytest.mark.parametrize("status", ["disconnected", "needs_reauth", "error"])
def test_what_does_not_work_does_not_expire(user: User, clock: Time, status: str) -> None:
    """Time changes nothing of it."""
    row(user, clock, renew=40, end=60, status=status, problem="x")
    shown(user)
    clock.advance(70)
    assert shown(user) == (status, "x", False, True)


def test_entry_without_an_end_lives_its_ttl(user: User, clock: Time) -> None:
    """As of a token that does not expire."""
    row(user, clock, renew=None, end=None)
    shown(user)
    clock.advance(299)
    assert shown(user) == ("connected", "", True, True)


def test_first_of_several_moments_counts(user: User, clock: Time) -> None:
    """One entry holds all platforms."""
    row(user, clock, renew=100, end=200)
    PlatformConnection.objects.create(user=user, provider="daybook", status="connected", renew_at=clock.after(10))
    read_status(user.pk)
    clock.advance(10)
    found = read_status(user.pk)
    states = {each.provider: each.status for each in found.value.status.platforms}
    assert (found.cached, states["daybook"], states["chirper"]) == (False, "expiring", "connected")


def test_status_lists_what_is_offered_and_what_has_a_record(user: User, clock: Time, settings: Any) -> None:
    """In the order of the catalogue; those that are offered no more come last, as long as there is a record."""
    offered = [each.slug for each in DEFINITIONS if each.sandbox]
    assert [each.provider for each in read_status(user.pk).value.status.platforms] == offered
    PlatformConnection.objects.create(user=user, provider="github", status="connected")
    PlatformConnection.objects.create(user=user, provider="gone", status="connected")
    found = read_status(user.pk).value.status
    assert [each.provider for each in found.platforms] == [*offered, "github", "gone"]
    assert [each.name for each in found.platforms[-2:]] == ["GitHub", "gone"]
    assert [each.connection_id for each in found.platforms[:-2]] == [None] * len(offered)


def test_user_who_is_not_there_has_no_status(clock: Time) -> None:
    """It is "not found", and cached as that; the user who then comes is found."""
    assert read_status(4711).value is None
    assert read_status(4711).cached
    User.objects.create_user("new", password=None, id=4711)
    assert read_status(4711).value is not None


def test_load_is_one_query_and_reads_no_tokens(user: User, clock: Time) -> None:
    """What is never read cannot be cached; a hit has none at all."""
    row(user, clock, renew=40, end=60)
    for read in (read_status, read_connections):
        with CaptureQueriesContext(connection) as queries:
            read(user.pk)
        (one,) = [each["sql"] for each in queries if "platformconnection" in each["sql"]]
        assert len(queries) == 1
        assert "sealed_tokens" not in one
        assert "refresh_claim" not in one
        with CaptureQueriesContext(connection) as queries:
            assert read(user.pk).cached
        assert len(queries) == 0


WRITES: list[Any] = [
    lambda row: PlatformConnection.objects.filter(pk=row.pk).update(status="error"),
    lambda row: PlatformConnection.objects.filter(pk=row.pk).update(expires_at=timezone.now()),
    lambda row: PlatformConnection.objects.filter(pk=row.pk).update(last_sync_at=timezone.now()),
    lambda row: PlatformConnection.objects.filter(pk=row.pk).update(scopes=["x"]),
    lambda row: PlatformConnection.objects.filter(pk=row.pk).delete(),
    lambda row: row.save(),
    lambda row: PlatformConnection.objects.create(user=row.user, provider="daybook"),
    lambda row: PlatformConnection.objects.bulk_create([PlatformConnection(user=row.user, provider="daybook")]),
]


@pytest.mark.parametrize("write", WRITES)
def test_every_write_supersedes_the_status(user: User, clock: Time, write: Any) -> None:
    """However it is made; another user's entries stay."""
    other = User.objects.create_user("john", password=None)
    one = row(user, clock, renew=40, end=60)
    for each in (user, other):
        read_status(each.pk)
        read_connections(each.pk)
    write(one)
    assert not read_status(user.pk).cached
    assert not read_connections(user.pk).cached
    assert read_status(other.pk).cached
    assert read_connections(other.pk).cached
