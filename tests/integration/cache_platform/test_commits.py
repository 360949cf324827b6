"""What happens around a COMMIT when the store or the database fails in the middle of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, Error, IntegrityError, OperationalError, connections, transaction
from django.db.backends.postgresql.base import DatabaseWrapper as Postgres

from cache_platform import outbox, peek, read, transactions
from cache_platform.exceptions import StoreUnavailable
from cache_platform.models import OutboxRow
from cache_platform.stores import get_store
from cache_platform.testing import failing_store
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.waiting import wait_until

pytestmark = pytest.mark.usefixtures("redis_cache")


@pytest.fixture
def policy(declare: Any, tagged: Any, settings: Any, database: str) -> Any:
    """Groups' names, strictly; the outbox of this test's database is the one that is drained."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": [database]}
    tagged(Group, "group:{pk}")
    return declare(name="test.group", params={"id": int}, tags=("group:{id}",), schema=str)


@pytest.fixture
def get(policy: Any, database: str) -> Callable[[int], str | None]:
    """Read a group's name."""

    def load(id: int) -> str | None:
        return Group.objects.using(database).filter(pk=id).values_list("name", flat=True).first()

    return lambda id: read(policy, {"id": id}, load).value


@pytest.fixture
def group(database: str, get: Any) -> Any:
    """A group whose name is cached."""
    made = Group.objects.using(database).create(name="old")
    assert get(made.pk) == "old"
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes wait for their drain for a moment only."""
    monkeypatch.setattr(transactions, "WAIT", 0.05)


def rows(database: str) -> list[str]:
    """The groups' tags in the outbox; the site declares others for the same model."""
    found = OutboxRow.objects.using(database).order_by("pk").values_list("tags", flat=True)
    return [tag for tags in found for tag in tags.splitlines() if tag.startswith("group:")]


def test_tags_that_cannot_be_held_are_in_the_outbox_before_the_commit(get: Any, group: Any, database: str) -> None:
    """In the same transaction, so that they are there if and only if the change is; gone when the bump was made."""
    seen: list[list[str]] = []
    real = transactions.Write.committed

    def committed(write: transactions.Write) -> None:
        seen.append(rows(database))
        real(write)

    with failing_store("hold"), mock.patch.object(transactions.Write, "committed", committed):
        Group.objects.using(database).update(name="new")
    assert seen == [[f"group:{group.pk}"]]
    assert rows(database) == []
    assert get(group.pk) == "new"


def test_outbox_row_of_a_rolled_back_transaction_is_gone_with_it(group: Any, database: str) -> None:
    """A COMMIT that fails takes the row with it."""
    with failing_store("hold"), failing_commit(database), pytest.raises(DatabaseError):
        Group.objects.using(database).update(name="new")
    assert rows(database) == []


@pytest.mark.usefixtures("quick")
def test_bump_that_cannot_be_made_is_left_in_the_outbox(get: Any, policy: Any, group: Any, database: str) -> None:
    """With the hold in place nobody reads the old value; the drain ends the hold as well."""
    with failing_store("bump"):
        Group.objects.using(database).update(name="new")
    assert rows(database) == [f"group:{group.pk}"]
    assert peek(policy, {"id": group.pk}) is None
    assert get(group.pk) == "new"
    assert outbox.drain() == 1
    assert rows(database) == []
    assert get(group.pk) == "new"
    assert peek(policy, {"id": group.pk}) == "new"  # stored again: the hold is gone


def test_write_returns_as_soon_as_its_row_is_drained(get: Any, group: Any, database: str) -> None:
    """It waits for the relay, not for the whole second."""
    with failing_store("hold", "bump") as store:
        writing = in_thread(on_own_connection(database, lambda: Group.objects.using(database).update(name="new")))
        wait_until(lambda: bool(rows(database)), what="the row is there")
        assert not writing.done()
        store.failing.clear()
        assert outbox.drain() + len(rows(database)) <= 1
        assert result(writing) == 1
    assert rows(database) == []
    assert get(group.pk) == "new"


def test_write_waits_for_a_drain_no_longer_than_a_second(group: Any, database: str) -> None:
    """Then it returns, and the row stays for the drain."""
    with failing_store("hold", "bump"):
        began = time.monotonic()
        Group.objects.using(database).update(name="new")
        took = time.monotonic() - began
    assert took >= transactions.WAIT
    assert rows(database) == [f"group:{group.pk}"]


@pytest.mark.usefixtures("quick")
def test_drain_leaves_what_is_committed_meanwhile(group: Any, database: str) -> None:
    """It deletes exactly the rows that it read."""
    with failing_store("hold", "bump"):
        Group.objects.using(database).update(name="new")
    OutboxRow.objects.using(database).create(pk=10_000_000, tags="group:1", token="0" * 16)
    real = get_store().bump_many

    def bump_many(bumps: Any) -> int:
        OutboxRow.objects.using(database).create(pk=9_000_000, tags="group:77", token="0" * 16)
        return real(bumps)

    with failing_store("none") as store:
        store.bump_many = bump_many  # type: ignore[attr-defined]
        assert outbox.drain() == 2
    assert rows(database) == ["group:77"]  # its id is lower than one that was drained
    assert outbox.drain() == 1


def test_drain_that_cannot_bump_deletes_nothing(database: str, policy: Any) -> None:
    """The row stays for the next one."""
    outbox.add(database, ["group:78"], "0" * 16)
    with failing_store("bump_many"), pytest.raises(StoreUnavailable):
        outbox.drain()
    assert rows(database) == ["group:78"]


@pytest.mark.usefixtures("quick")
def test_foreign_row_does_not_stop_the_drain(database: str, get: Any, group: Any) -> None:
    """What is no tag is passed over and deleted."""
    OutboxRow.objects.using(database).create(tags="no tag at all\n\nGROUP:1", token="x")
    assert outbox.drain() == 1
    assert rows(database) == []


def test_definite_failure_lets_go_without_a_bump(get: Any, policy: Any, group: Any, database: str) -> None:
    """A constraint that is checked at the COMMIT: the entry is a hit at once."""

    def write() -> None:
        with transaction.atomic(using=database):
            Group.objects.using(database).update(name="new")
            through = Group.permissions.through
            through.objects.using(database).create(group_id=group.pk, permission_id=10_000_000)

    with pytest.raises(IntegrityError):
        write()
    assert peek(policy, {"id": group.pk}) == "old"
    assert not Permission.objects.using(database).filter(pk=10_000_000).exists()


def test_unknown_outcome_leaves_the_hold(policy: Any, group: Any, database: str) -> None:
    """An interrupt in the middle of a COMMIT says nothing about it: held until the deadline."""

    def commit(connection: Any) -> None:
        connection.connection.close()
        raise KeyboardInterrupt

    with mock.patch.object(type(connections[database]), "_commit", commit), pytest.raises((KeyboardInterrupt, Error)):
        Group.objects.using(database).update(name="new")
    assert peek(policy, {"id": group.pk}) is None


@contextmanager
def failing_commit(database: str) -> Iterator[None]:
    """COMMIT raises and does nothing."""
    with mock.patch.object(type(connections[database]), "_commit", side_effect=OperationalError("on purpose")):
        yield


def on_own_connection(database: str, call: Callable[[], Any]) -> Callable[[], Any]:
    """`call`, closing this thread's connection afterwards."""

    def run() -> Any:
        try:
            return call()
        finally:
            connections[database].close()

    return run


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("arrives", [True, False], ids=["committed", "not committed"])
def test_commit_whose_connection_is_cut(
    get: Any, policy: Any, group: Any, database: str, settings: Any, arrives: bool
) -> None:
    """Whether it happened is unknown: the tag stays held, and the hold's deadline brings a new generation."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "HOLD_SECONDS": 1.5}
    real = Postgres._commit

    def commit(connection: Any) -> None:
        raw = connection.connection.pgconn
        if arrives:
            raw.send_query(b"COMMIT")
            wait_until(lambda: result(in_thread(on_own_connection(database, name_now))) == "new", what="it happened")
        with socket.fromfd(raw.socket, socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.shutdown(socket.SHUT_RDWR)
        real(connection)

    def name_now() -> str:
        return str(Group.objects.using(database).get(pk=group.pk).name)

    with mock.patch.object(Postgres, "_commit", commit), pytest.raises(OperationalError):
        Group.objects.using(database).update(name="new")
    connections[database].close()
    now = "new" if arrives else "old"
    assert peek(policy, {"id": group.pk}) is None
    assert get(group.pk) == now
    wait_until(lambda: get(group.pk) == now and peek(policy, {"id": group.pk}) == now, what="the hold has lapsed")


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_commit_that_comes_too_late_for_its_hold_is_refused_by_the_database(
    get: Any, policy: Any, group: Any, database: str, settings: Any
) -> None:
    """A writer that was stopped between hold and COMMIT: PostgreSQL has ended its transaction meanwhile."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "HOLD_SECONDS": 0.4}
    real = Postgres._commit

    def commit(connection: Any) -> None:
        pid = connection.connection.pgconn.backend_pid

        def gone() -> bool:
            with connections[database].cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid])
                return cursor.fetchone() is None

        wait_until(lambda: result(in_thread(on_own_connection(database, gone))), what="the transaction is ended")
        real(connection)

    with mock.patch.object(Postgres, "_commit", commit), pytest.raises(DatabaseError):
        Group.objects.using(database).update(name="new")
    connections[database].close()
    assert get(group.pk) == "old"


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_clean_transaction_may_store(policy: Any, group: Any, database: str) -> None:
    """READ COMMITTED and nothing written yet, not by raw SQL either: what is read there everybody reads."""
    seen: list[bool] = []

    def look(id: int) -> str:
        return "seen"

    with transaction.atomic(using=database):
        Group.objects.using(database).count()
        seen.append(read(policy, {"id": 1}, look).stored)
        with connections[database].cursor() as cursor:
            cursor.execute("UPDATE auth_group SET name = name")
        seen.append(read(policy, {"id": 2}, look).stored)
    with transaction.atomic(using=database):
        with connections[database].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        Group.objects.using(database).count()
        seen.append(read(policy, {"id": 3}, look).stored)
    assert seen == [True, False, False]


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_loader_that_writes_in_the_transaction_stores_nothing(policy: Any, group: Any, database: str) -> None:
    """The transaction was clean before the load, and is not after it."""

    def load(id: int) -> str:
        Group.objects.using(database).create(name="made by the loader")
        return "seen"

    with transaction.atomic(using=database):
        assert not read(policy, {"id": 5}, load).stored
        transaction.set_rollback(True, using=database)


@pytest.mark.parametrize("database", ["lite"], indirect=True)
def test_transaction_on_sqlite_stores_nothing(policy: Any, group: Any, database: str) -> None:
    """Its reads are of one snapshot."""
    with transaction.atomic(using=database):
        assert not read(policy, {"id": 1}, lambda id: "seen").stored
