"""People who are deleted while something of theirs is being written: nobody waits in a circle, no token is left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.db import connections as databases
from django.db import transaction
from django.db.models.deletion import Collector
from django.utils import timezone

from accounts.models import User
from connectors import connections
from connectors.access import renew
from connectors.connections import disconnect, reset
from connectors.extraction import leases
from connectors.extraction.leases import LeaseLost
from connectors.extraction.pages import Item, Page
from connectors.models import ExtractedItem, ExtractionJob, PlatformConnection, TokenRevocation
from connectors.revocations import attempt_due
from tests.integration.connectors.real_databases import Walks, connected, in_thread, new_user, tokens_of
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks
from tests.integration.connectors.test_access import ME, ended
from tests.services.waiting import wait_until

pytestmark = pytest.mark.usefixtures("database")

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
def row(walks: Walks) -> PlatformConnection:
    """A connection whose platform revokes by POST."""
    return connected(walks, new_user(), "chirper")


@pytest.fixture
def job(row: PlatformConnection) -> ExtractionJob:
    """An extraction of that connection, which this worker has the lease of."""
    made = ExtractionJob.objects.create(connection=row, user_id=row.user_id, provider=row.provider)
    claimed = leases.claim(made.pk)
    assert claimed is not None
    return claimed


def page() -> Page:
    """A page with one item, and one more to follow."""
    item = Item(item_id="x", title="a message", labels=(), happened_at=timezone.now())
    return Page(items=(item,), next_cursor="next", total=None)


def delete(user_id: int) -> None:
    """Delete the user, with all that goes with it."""
    User.objects.get(pk=user_id).delete()


@contextmanager
def stopped(module: Any, name: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The function of that name stops before its work: the event that it is there, and the one that lets it go on."""
    there, go_on = threading.Event(), threading.Event()
    real = getattr(module, name)

    def stop(*args: Any, **kwargs: Any) -> Any:
        there.set()
        assert go_on.wait(20), "nobody let it go on"
        return real(*args, **kwargs)

    with mock.patch.object(module, name, stop):
        yield there, go_on


@contextmanager
def collecting(begun: threading.Event) -> Iterator[None]:
    """`begun` is set once a deletion has read what goes with it."""
    real = Collector.delete

    def delete(self: Collector) -> Any:
        begun.set()
        return real(self)

    with mock.patch.object(Collector, "delete", delete):
        yield


def wait_until_it_waits(database: str, deleting: threading.Event, *, waiting: int = 1) -> None:
    """Until the deletion waits for a lock, or so many do; SQLite has one for all, does not tell, and deadlocks
    nowhere."""
    assert deleting.wait(20), "nothing was deleted"
    if database != "postgres":
        return

    def waits() -> bool:
        with databases[database].cursor() as cursor:
            cursor.execute(WAITING)
            return bool(cursor.fetchone()[0] >= waiting)

    wait_until(waits, what="the deletion waits for a lock")


def meet(database: str, module: Any, name: str, work: Callable[[], Any], user_id: int) -> Callable[[], Any]:
    """Delete the user while `work` stands before that function with its locks taken; what waits for the work's end."""
    deleting = threading.Event()
    with stopped(module, name) as (there, go_on), collecting(deleting):
        working = in_thread(work)
        assert there.wait(20), "it never came there"
        deletion = in_thread(lambda: delete(user_id))
        wait_until_it_waits(database, deleting)
        go_on.set()
        deletion()
    return working


def test_deletion_and_a_page_that_is_stored_do_not_wait_in_a_circle(
    database: str, row: PlatformConnection, job: ExtractionJob
) -> None:
    """The deletion goes on behind the page, and takes its items along."""
    working = meet(database, leases, "_change", lambda: leases.store(job, page(), kind="messages"), row.user_id)
    working()
    assert not User.objects.filter(pk=row.user_id).exists()
    assert not ExtractedItem.objects.filter(connection_id=row.pk).exists()
    assert TokenRevocation.objects.count() == 1


def test_page_behind_a_deletion_is_not_stored(row: PlatformConnection, job: ExtractionJob) -> None:
    """Its worker is told that the job is gone."""
    delete(row.user_id)
    with pytest.raises(LeaseLost):
        leases.store(job, page(), kind="messages")
    assert not ExtractedItem.objects.filter(connection_id=row.pk).exists()


@pytest.mark.parametrize("end", [lambda user_id: disconnect(user_id, "chirper"), reset], ids=["disconnect", "reset"])
def test_deletion_and_disconnecting_do_not_wait_in_a_circle(
    database: str, walks: Walks, row: PlatformConnection, job: ExtractionJob, end: Any
) -> None:
    """Both come to their end, and the tokens are taken back once."""
    access = tokens_of(row).access
    meet(database, connections, "end_jobs", lambda: end(row.user_id), row.user_id)()
    assert not PlatformConnection.objects.filter(pk=row.pk).exists()
    assert TokenRevocation.objects.count() == 0
    assert not walks.opens(access, ME)


def test_deletion_and_a_reset_of_several_take_them_in_the_same_order(
    database: str, walks: Walks, row: PlatformConnection
) -> None:
    """Whatever the platforms are called: the second is the first in the alphabet. Both wait for who has the first."""
    first = connected(walks, new_user(), "tunebox")
    connected(walks, first.user, "chirper")
    user_id, deleting = first.user_id, threading.Event()
    with transaction.atomic(using=database), collecting(deleting):
        PlatformConnection.objects.select_for_update().get(pk=first.pk)
        deletion = in_thread(lambda: delete(user_id))
        wait_until_it_waits(database, deleting)
        resetting = in_thread(lambda: reset(user_id))
        wait_until_it_waits(database, deleting, waiting=2)
    deletion()
    resetting()
    assert not PlatformConnection.objects.filter(user_id=user_id).exists()


def test_deletion_has_the_tokens_taken_back_that_are_there_by_then(walks: Walks, row: PlatformConnection) -> None:
    """They were renewed after the deletion had read its rows, and the older ones would not end the newer."""
    renewed: list[str] = []
    real = Collector.delete

    def delete_later(self: Collector) -> Any:
        if not renewed:
            ended(row)
            renewed.append(renew(row.pk).access)
            row.refresh_from_db()
        return real(self)

    with mock.patch.object(Collector, "delete", delete_later):
        delete(row.user_id)
    (noted,) = TokenRevocation.objects.all()
    assert noted.sealed_tokens == row.sealed_tokens
    assert walks.opens(renewed[0], ME)
    assert attempt_due() == 1
    assert not walks.opens(renewed[0], ME)
