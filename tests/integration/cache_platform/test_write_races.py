"""What another transaction does at the worst moment of a write, and what a transaction leaves to the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.db import DatabaseError, Error, connections, transaction
from django.db.models import Value
from django.db.models.functions import Concat, Substr

from cache_platform.rows import Rows
from cache_platform.transactions import Write
from tests.integration.cache_platform.test_writes import by_id, by_name, closing, failing_block, groups
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

__all__ = ["by_id", "by_name"]

pytestmark = pytest.mark.usefixtures("redis_cache")
on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("database", ["lite"], indirect=True)


@contextmanager
def between_look_and_write(meanwhile: Callable[[], None]) -> Iterator[None]:
    """Have `meanwhile` happen once, when the first write has looked at its rows and not changed them yet."""
    real, left = Rows.to_be_changed, [meanwhile]

    def look(*args: Any) -> Rows | None:
        found = real(*args)
        if left:
            left.pop()()
        return found

    with mock.patch.object(Rows, "to_be_changed", look):
        yield


class Rival:
    """Another transaction, in a thread with its own connection to PostgreSQL."""

    def __init__(self, database: str, write: Callable[[], object]) -> None:
        self._database, self._write = database, write
        self._pids: list[int] = []
        self._running: Future[Any] | None = None

    def go(self) -> None:
        """Start it; return when it is done or the database has it wait for somebody's lock."""

        def run() -> None:
            connections[self._database].ensure_connection()
            self._pids.append(connections[self._database].connection.info.backend_pid)
            self._write()

        self._running = in_thread(closing(self._database, run))
        wait_until(lambda: self._running.done() or self.is_waiting(), what="the rival is done or waits")  # type: ignore[union-attr]

    def is_waiting(self) -> bool:
        """Whether it waits for a lock."""
        if not self._pids:
            return False
        with connections[self._database].cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted", self._pids)
            return cursor.fetchone() is not None

    def finish(self) -> None:
        """Return when it is done; raises what it raised."""
        assert self._running is not None
        result(self._running)


MOVED: dict[str, Callable[[Any], int]] = {
    "by its key": lambda groups: groups.filter(pk=groups.get().pk).update(name="new"),
    "through a subquery": lambda groups: groups.exclude(permissions__codename="x").update(name="new"),
    "through a join": lambda groups: groups.filter(permissions=None).update(name="new"),
}


@on_postgres
@pytest.mark.parametrize("update", MOVED.values(), ids=MOVED.keys())
def test_row_that_is_moved_to_another_tag_meanwhile(by_name: Any, database: str, update: Callable[[Any], int]) -> None:
    """The look locks it: the other one waits, and no name is left that the row had for a moment."""
    groups(database).create(name="old")
    rival = Rival(database, lambda: groups(database).filter(name="old").update(name="moved"))

    def meanwhile() -> None:
        rival.go()
        result(in_thread(closing(database, lambda: by_name("moved"))))

    with between_look_and_write(meanwhile):
        assert update(groups(database)) == 1
    rival.finish()
    there = dict(groups(database).values_list("name", "pk"))
    assert {name: by_name(name) for name in ("old", "moved", "new")} == {
        name: there.get(name) for name in ("old", "moved", "new")
    }


CAME: dict[str, Callable[[Any], object]] = {
    "update": lambda groups: groups.filter(name__startswith="a").update(name=Concat(Value("b"), Substr("name", 2))),
    "delete": lambda groups: groups.filter(name__startswith="a")._raw_delete(groups.db),
}


@on_postgres
@pytest.mark.parametrize("write", CAME.values(), ids=CAME.keys())
def test_row_that_comes_to_match_meanwhile(by_name: Any, database: str, write: Callable[[Any], object]) -> None:
    """READ COMMITTED changes it too, though it was not looked at: what it was is not served any more."""
    groups(database).create(name="a1")
    rival = Rival(database, lambda: groups(database).create(name="a2"))

    def meanwhile() -> None:
        rival.go()
        rival.finish()
        assert result(in_thread(closing(database, lambda: by_name("a2")))) is not None

    with between_look_and_write(meanwhile):
        write(groups(database))
    assert [by_name(name) for name in ("a1", "a2")] == [None, None]


@on_postgres
def test_row_that_comes_to_match_a_join_meanwhile_is_left_alone(by_name: Any, database: str) -> None:
    """It was not looked at, so it is not changed."""
    groups(database).create(name="a1")
    rival = Rival(database, lambda: groups(database).create(name="a2"))

    def meanwhile() -> None:
        rival.go()
        rival.finish()

    with between_look_and_write(meanwhile):
        assert groups(database).filter(name__startswith="a", permissions=None).update(name="b") == 1
    assert (by_name("a1"), by_name("b") is None) == (None, False)
    assert by_name("a2") is not None


# What one transaction leaves to the next


@pytest.fixture
def two(by_id: Any, database: str) -> tuple[Any, Any]:
    """Two groups whose names are cached."""
    made = groups(database).create(name="one"), groups(database).create(name="two")
    assert [by_id(group.pk) for group in made] == ["one", "two"]
    return made


def rename(database: str, group: Any, name: str) -> None:
    """A write of one row."""
    groups(database).filter(pk=group.pk).update(name=name)


def test_next_transaction_begins_with_no_tags(by_id: Any, two: tuple[Any, Any], database: str) -> None:
    """Neither with those of one that was committed, nor of one that was rolled back."""
    one, other = two
    rename(database, one, "first")
    assert by_id(one.pk) == "first"
    rename(database, other, "second")
    assert by_id.cached(one.pk)
    with failing_block(database):
        rename(database, one, "never")
    rename(database, other, "third")
    assert by_id.cached(one.pk)
    assert by_id(other.pk) == "third"


def test_transaction_that_is_gone_with_its_connection_leaves_no_tags(
    by_id: Any, two: tuple[Any, Any], database: str
) -> None:
    """It was not committed, and the next connection's transaction is another one."""
    one, other = two
    with transaction.atomic(using=database):
        rename(database, one, "never")
        connections[database].close()
    assert by_id.cached(one.pk)
    rename(database, other, "second")
    assert by_id.cached(one.pk)
    assert (by_id(one.pk), by_id(other.pk)) == ("one", "second")


# The time between hold and COMMIT


@on_sqlite
def test_hold_that_lapsed_before_the_commit_is_placed_again(
    by_id: Any, two: tuple[Any, Any], database: str, settings: Any
) -> None:
    """A writer that was kept from its COMMIT: who read the old value meanwhile does not have it after the COMMIT."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "HOLD_SECONDS": 0.2}
    one, _ = two
    hold, committed = Write.hold, Write.committed
    seen: list[str] = []

    def others() -> Any:
        return result(in_thread(closing(database, lambda: (by_id.cached(one.pk), by_id(one.pk)))))

    def hold_for_too_long(write: Write) -> None:
        hold(write)
        assert others() == (False, "one")
        wait_until(lambda: others() == (True, "one"), what="the hold has lapsed, and the old value is cached")

    def look_before_the_bump(write: Write) -> None:
        seen.append(others())
        committed(write)

    with (
        mock.patch.object(Write, "hold", hold_for_too_long),
        mock.patch.object(Write, "committed", look_before_the_bump),
    ):
        rename(database, one, "new")
    assert seen == [(False, "new")]
    assert by_id(one.pk) == "new"


@on_postgres
@pytest.mark.parametrize("own", [None, "60s"], ids=["no timeout of its own", "a longer one of its own"])
def test_postgresql_ends_a_transaction_that_does_not_commit_in_time(
    by_id: Any, two: tuple[Any, Any], database: str, settings: Any, own: str | None
) -> None:
    """Half the hold's time after the hold, whatever the transaction was allowed before."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "HOLD_SECONDS": 0.4}
    one, _ = two
    commit, ended = Write.commit, []

    def gone(pid: int) -> bool:
        with connections[database].cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid])
            return cursor.fetchone() is None

    def commit_late(write: Write) -> None:
        pid = connections[database].connection.info.backend_pid
        watching = in_thread(
            closing(database, lambda: wait_until(lambda: gone(pid), what="the transaction is ended", timeout=5))
        )
        result(watching)
        ended.append(pid)
        commit(write)

    def write() -> None:
        with transaction.atomic(using=database):
            if own is not None:
                with connections[database].cursor() as cursor:
                    cursor.execute(f"SET LOCAL transaction_timeout = '{own}'")
            rename(database, one, "new")

    with mock.patch.object(Write, "commit", commit_late), pytest.raises(DatabaseError):
        write()
    assert len(ended) == 1
    connections[database].close()
    assert by_id(one.pk) == "one"


@pytest.mark.parametrize("arrives", [True, False], ids=["committed", "not committed"])
def test_hold_that_is_lost_while_a_commit_is_under_way_whose_outcome_stays_unknown(
    by_id: Any, two: tuple[Any, Any], database: str, redis_cache: RedisUnderTest, arrives: bool
) -> None:
    """Redis forgot the hold, a reader stored the old value, and only then the connection to the database broke."""
    one, _ = two
    real = type(connections[database])._commit

    def others() -> Any:
        return result(in_thread(closing(database, lambda: (by_id(one.pk), by_id.cached(one.pk)))))

    def commit(connection: Any) -> None:
        redis_cache.flush()
        assert others() == ("one", True)
        if arrives:
            real(connection)
        else:
            connection.connection.close()
        raise KeyboardInterrupt

    with mock.patch.object(type(connections[database]), "_commit", commit), pytest.raises((KeyboardInterrupt, Error)):
        rename(database, one, "new")
    connections[database].close()
    assert others() == ("new" if arrives else "one", False)
