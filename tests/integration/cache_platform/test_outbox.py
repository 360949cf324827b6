"""The outbox: its drain in batches, over several databases and without its table, and the waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connections, transaction
from django.db.models.query import QuerySet

from cache_platform import keys, outbox, peek, transactions
from cache_platform.exceptions import OutboxUnreadable, StoreUnavailable
from cache_platform.models import OutboxRow
from cache_platform.stores import get_store
from cache_platform.testing import failing_store
from tests.integration.cache_platform.test_commits import get, group, policy, quick, rows
from tests.integration.cache_platform.test_writes import closing
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.databases import added_database
from tests.services.waiting import wait_until

__all__ = ["get", "group", "policy", "quick"]

pytestmark = pytest.mark.usefixtures("redis_cache")
TABLE = OutboxRow._meta.db_table
on_sqlite = pytest.mark.parametrize("database", ["lite"], indirect=True)


def outboxes(settings: Any, *aliases: str) -> None:
    """Have these databases' outboxes be the ones that are drained."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": list(aliases)}


@contextmanager
def renamed(database: str, what: str) -> Iterator[None]:
    """Without the outbox's table, or one of its columns, as long as this lasts."""
    there, back = {
        "table": (f"ALTER TABLE {TABLE} RENAME TO away", f"ALTER TABLE away RENAME TO {TABLE}"),
        "column": (f"ALTER TABLE {TABLE} RENAME token TO away", f"ALTER TABLE {TABLE} RENAME away TO token"),
    }[what]
    for statement, last in ((there, False), (back, True)):
        if last:
            yield
        with connections[database].cursor() as cursor:
            cursor.execute(statement)


# Drains


@pytest.mark.parametrize("deletable", [True, False])
def test_drain_goes_on_until_nothing_is_left(
    database: str, settings: Any, monkeypatch: pytest.MonkeyPatch, deletable: bool
) -> None:
    """Batch by batch; rows that cannot be deleted are bumped once by each drain, not for ever."""
    outboxes(settings, database)
    monkeypatch.setattr(outbox, "BATCH", 2)
    for number in range(5):
        outbox.add(database, [f"group:{number}"], "0" * 16)
    if not deletable:
        monkeypatch.setattr(outbox, "delete", lambda *_: None)
    with failing_store("none") as store:
        assert outbox.drain() == 5
    assert store.calls == ["bump_many"] * 3
    assert len(rows(database)) == (0 if deletable else 5)


def test_drain_bumps_before_it_deletes(database: str, settings: Any) -> None:
    """One that dies between the two has its bumps made twice, never not at all."""
    outboxes(settings, database)
    outbox.add(database, ["group:1"], "0" * 16)
    there: list[list[str]] = []
    real = get_store().bump_many

    def bump_many(bumps: Any) -> int:
        there.append(rows(database))
        return real(bumps)

    with failing_store("none") as store:
        store.bump_many = bump_many  # type: ignore[attr-defined]
        outbox.drain()
    assert (there, rows(database)) == ([["group:1"]], [])


def test_drain_is_of_every_database(
    postgres_alias: str, sqlite_alias: str, settings: Any, django_db_blocker: Any
) -> None:
    """Or of the one that is named."""
    outboxes(settings, postgres_alias, sqlite_alias)
    with django_db_blocker.unblock():
        for alias in (postgres_alias, sqlite_alias):
            OutboxRow.objects.using(alias).all().delete()
            outbox.add(alias, [f"group:{alias}"], "0" * 16)
        assert outbox.drain(sqlite_alias) == 1
        assert (rows(postgres_alias), rows(sqlite_alias)) == ([f"group:{postgres_alias}"], [])
        outbox.add(sqlite_alias, ["group:more"], "0" * 16)
        assert outbox.drain() == 2
        assert (rows(postgres_alias), rows(sqlite_alias)) == ([], [])


def test_mirrors_have_no_outbox(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written there is written to the database that they mirror."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": None}
    monkeypatch.setitem(settings.DATABASES, "other", {"TEST": {}})
    monkeypatch.setitem(settings.DATABASES, "replica", {"TEST": {"MIRROR": "default"}})
    assert {"default", "other", "replica"} & set(outbox.databases()) == {"default", "other"}


def test_database_without_the_table_has_nothing_to_drain(database: str, settings: Any) -> None:
    """Its migrations have not run, so that nobody wrote to it."""
    outboxes(settings, database)
    with renamed(database, "table"):
        assert outbox.drain() == 0


def test_outbox_that_cannot_be_read_is_not_taken_for_an_empty_one(database: str, settings: Any) -> None:
    """Whoever drains it may not read from the store then."""
    outboxes(settings, database)
    with renamed(database, "column"), pytest.raises(StoreUnavailable):
        outbox.drain()


@pytest.mark.parametrize("kind", ["postgres://nobody@%2Fnowhere/site", "sqlite:////nowhere/site.sqlite3"])
def test_outbox_of_a_database_that_is_away_is_not_taken_for_an_empty_one(
    settings: Any, django_db_blocker: Any, kind: str
) -> None:
    """Neither when its tables cannot be listed."""
    with django_db_blocker.unblock(), added_database("away", kind) as alias:
        outboxes(settings, alias)
        with pytest.raises(OutboxUnreadable):
            outbox.drain()


# Calls


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
@pytest.mark.parametrize("fails", ["hold", "bump"])
def test_relays_are_called_when_a_row_is_committed(group: Any, database: str, fails: str) -> None:
    """Whether it was written before the write's own COMMIT or after it."""
    known = {name: connections[database].settings_dict[name.upper()] for name in ("host", "port", "user", "password")}
    name = connections[database].settings_dict["NAME"]
    with psycopg.connect(dbname=name, autocommit=True, **known) as listening:
        listening.execute(f"LISTEN {outbox.CHANNEL}")
        with failing_store(fails):
            Group.objects.using(database).update(name="new")
        assert len(list(listening.notifies(timeout=10, stop_after=1))) == 1


# Waits


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write waits for its drain longer than a test does."""
    monkeypatch.setattr(transactions, "WAIT", 60.0)


def renaming(database: str) -> Any:
    """A write under way in a thread; the store cannot be told, and its row is in the outbox."""

    def write() -> int:
        return Group.objects.using(database).update(name="new")

    writing = in_thread(closing(database, write))
    wait_until(lambda: bool(rows(database)), what="the row is there")
    return writing


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("fails", [("bump",), ("hold", "bump")], ids=["held", "not held"])
def test_write_that_stays_cut_off_returns_when_somebody_else_drained_its_row(
    get: Any, group: Any, database: str, fails: tuple[str, ...]
) -> None:
    """The relay has its own line to the store."""
    real = get_store()
    with failing_store(*fails):
        writing = renaming(database)
        row = OutboxRow.objects.using(database).get()
        real.bump([keys.tag_key(tag) for tag in row.tags.splitlines()], row.token)
        row.delete(using=database)
        assert result(writing) == 1
    assert get(group.pk) == "new"


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("fails", [("bump",), ("hold", "bump")], ids=["held", "not held"])
def test_write_returns_when_it_could_tell_the_store_itself_after_all(
    get: Any, policy: Any, group: Any, database: str, fails: tuple[str, ...]
) -> None:
    """Without a relay; its row is gone then, and nothing is held any more."""
    with failing_store(*fails) as store:
        writing = renaming(database)
        store.failing.clear()
        assert result(writing) == 1
    assert rows(database) == []
    assert get(group.pk) == "new"
    assert peek(policy, {"id": group.pk}) == "new"


@on_sqlite
@pytest.mark.usefixtures("quick")
def test_outbox_that_cannot_be_written_after_the_commit_fails_no_write(
    get: Any, policy: Any, group: Any, database: str
) -> None:
    """It has happened already. The hold stands until its deadline, so nobody reads the old value."""
    hooks: list[str] = []
    with renamed(database, "table"), failing_store("bump"), transaction.atomic(using=database):
        transaction.on_commit(lambda: hooks.append("called"), using=database)
        Group.objects.using(database).update(name="new")
    assert hooks == ["called"]
    assert peek(policy, {"id": group.pk}) is None
    assert get(group.pk) == "new"


@on_sqlite
@pytest.mark.usefixtures("patient")
def test_write_whose_row_cannot_be_looked_at_tells_the_store_itself_once_that_is_possible(
    get: Any, group: Any, database: str
) -> None:
    """The database went away while it waited; the store came back."""
    asked: list[int] = []

    def exists(_queryset: QuerySet[Any]) -> bool:
        asked.append(len(asked))
        store.failing.clear()
        raise OperationalError("on purpose")

    with failing_store("hold", "bump") as store, mock.patch.object(QuerySet, "exists", exists):
        Group.objects.using(database).update(name="new")
    assert asked == [0]
    assert get(group.pk) == "new"


@pytest.mark.usefixtures("quick")
def test_row_that_cannot_be_deleted_fails_no_write(get: Any, group: Any, database: str) -> None:
    """Its bumps are made once more by the next drain, which is all."""
    with (
        failing_store("hold"),
        mock.patch.object(QuerySet, "_raw_delete", side_effect=OperationalError("on purpose")),
    ):
        Group.objects.using(database).update(name="new")
    assert rows(database) == [f"group:{group.pk}"]
    assert get(group.pk) == "new"
    assert outbox.drain() == 1
    assert rows(database) == []
