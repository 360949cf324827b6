"""The relay: it drains what is called out to it, looks by itself, and goes on whatever fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError, connections

from cache_platform import keys, outbox, peek, read, relay
from cache_platform.exceptions import OutboxUnreadable
from cache_platform.models import OutboxRow
from cache_platform.stores import get_store
from cache_platform.stores.trust import MARK_LASTS
from cache_platform.testing import failing_store
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.databases import empty_tables
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)
FOR_EVER = 60.0


@pytest.fixture
def drained_here(database: str, settings: Any) -> None:
    """The outbox of this test's database is the one that is drained."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": [database]}


@pytest.fixture
def thing(declare: Any) -> Any:
    """A policy, with one entry in the store."""
    policy = declare(name="test.thing", params={"id": int}, tags=("thing:{id}",), schema=int)
    read(policy, {"id": 1}, lambda id: id)
    return policy


class Running:
    """A relay in a thread; `looks` counts how often it has looked, `listening` has its connections' backends."""

    def __init__(self, *databases: str) -> None:
        self.databases = databases
        self.looks = 0
        self.listening: list[int] = []
        self.used: set[Any] = set()
        self.stop = threading.Event()
        self.called: threading.Event | None = None
        store = get_store()
        self._store: Any = getattr(store, "_real", store)

    def begin(self) -> None:
        """Start it."""
        self._running = in_thread(lambda: relay.run(self._store, self.stop))

    def end(self) -> None:
        """Stop it, and wait for the end of all its threads."""
        self.stop.set()
        if self.called is not None:
            self.called.set()
        result(self._running)
        wait_until(lambda: not self.listeners(), what="nobody listens any more")

    def listeners(self) -> list[str]:
        """The names of the threads that listen."""
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("listen-")]

    @property
    def running(self) -> bool:
        """Whether it still is."""
        return not self._running.done()


@contextmanager
def relaying(*databases: str) -> Iterator[Running]:
    """A relay that runs as long as this lasts; it listens, and has looked since."""
    one = Running(*databases)
    listen, drain = relay._wait_for_calls, outbox.drain

    def noted_listen(connection: Any, called: Any, stop: Any) -> None:
        connection.ensure_connection()
        one.called = called
        one.used.add(connection)
        one.listening.append(connection.connection.info.backend_pid)
        listen(connection, called, stop)

    def noted_drain(using: str | None = None) -> int:
        drained = drain(using)
        one.used.update(connections[database] for database in databases)
        one.looks += 1
        return drained

    with mock.patch.object(relay, "_wait_for_calls", noted_listen), mock.patch.object(outbox, "drain", noted_drain):
        one.begin()
        try:
            wait_until(lambda: one.looks, what="the relay has looked", timeout=5)
            yield one
        finally:
            one.end()


def drained(database: str) -> bool:
    """Whether the outbox is empty."""
    return not OutboxRow.objects.using(database).exists()


def idle(database: str, one: Running) -> bool:
    """Whether the newest listener has said LISTEN, and waits: after that, or after a look whether its line lives."""
    with connections[database].cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE pid = %s AND (query LIKE 'LISTEN%%' OR query = 'SELECT 1') AND state = 'idle'",
            one.listening[-1:] or [0],
        )
        return cursor.fetchone() is not None


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay that looks by itself hardly ever, and pauses after a failure for a moment only."""
    for name, seconds in (("INTERVAL", FOR_EVER), ("LISTEN", 0.05), ("PAUSE", 0.01)):
        monkeypatch.setattr(relay, name, seconds)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A relay that looks often."""
    for name, seconds in (("INTERVAL", 0.02), ("LISTEN", 0.05), ("PAUSE", 0.01)):
        monkeypatch.setattr(relay, name, seconds)


@on_postgres
@pytest.mark.usefixtures("redis_cache", "drained_here", "patient")
def test_relay_drains_what_is_called_out_to_it(database: str, thing: Any) -> None:
    """At once, without looking by itself."""
    with relaying(database) as one:
        wait_until(lambda: idle(database, one), what="it listens", timeout=5)
        for _ in range(2):
            outbox.add(database, ["thing:1"], "0" * 16)
            wait_until(lambda: drained(database), what="the row is drained", timeout=10)
    assert peek(thing, {"id": 1}) is None


@on_postgres
@pytest.mark.usefixtures("redis_cache", "drained_here", "patient")
def test_relay_whose_connection_is_ended_listens_again(database: str) -> None:
    """On a new one; what was committed meanwhile is drained as well."""
    with relaying(database) as one:
        wait_until(lambda: idle(database, one), what="it listens", timeout=5)
        (pid,) = one.listening
        OutboxRow.objects.using(database).create(tags="thing:1", token="0" * 16)  # and the call is lost
        with connections[database].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        wait_until(lambda: drained(database), what="the row is drained", timeout=10)
        assert one.listening[-1] != pid
        wait_until(lambda: idle(database, one), what="it listens again", timeout=5)
        outbox.add(database, ["thing:1"], "0" * 16)
        wait_until(lambda: drained(database), what="the next row is drained", timeout=10)


@pytest.mark.usefixtures("redis_cache", "drained_here", "quick")
def test_relay_looks_by_itself(database: str) -> None:
    """SQLite cannot call, and a call may be lost."""
    with relaying(database):
        OutboxRow.objects.using(database).create(tags="thing:1", token="0" * 16)
        wait_until(lambda: drained(database), what="the row is drained", timeout=10)


def test_relay_leaves_its_mark_while_it_runs(
    redis_cache: RedisUnderTest, database: str, drained_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose end it never lets come, so that no reader has to look."""
    monkeypatch.setattr(relay, "LISTEN", 0.05)
    assert relay.INTERVAL * 2 < MARK_LASTS
    with relaying(database) as one, redis_cache.client() as client:
        wait_until(lambda: client.get(keys.mark_key()), what="the mark is there", timeout=5)
        first = client.get(keys.mark_key())
        looks = one.looks
        wait_until(lambda: client.get(keys.mark_key()) != first, what="a newer one is there", timeout=5)
        assert one.looks > looks


@pytest.mark.usefixtures("redis_cache", "drained_here", "quick")
def test_relay_waits_for_the_store(database: str, thing: Any) -> None:
    """The rows stay, and are drained once it is back."""
    with failing_store("bump_many") as store, relaying(database) as one:
        outbox.add(database, ["thing:1"], "0" * 16)
        wait_until(lambda: store.calls.count("bump_many") > 1, what="it was tried again", timeout=10)
        assert not drained(database)
        store.failing.clear()
        wait_until(lambda: drained(database), what="the row is drained", timeout=10)
        assert one.running
    assert peek(thing, {"id": 1}) is None


@pytest.mark.usefixtures("redis_cache", "drained_here", "quick")
@pytest.mark.parametrize("error", [OutboxUnreadable("on purpose"), ZeroDivisionError()], ids=["database", "fault"])
def test_relay_goes_on_after_any_failure(database: str, error: Exception) -> None:
    """Nobody else looks while no reader comes."""
    with relaying(database) as one:
        real, failures = outbox.drain, [error]

        def drain(using: str | None = None) -> int:
            if failures:
                raise failures.pop()
            return real(using)

        with mock.patch.object(outbox, "drain", drain):
            outbox.add(database, ["thing:1"], "0" * 16)
            wait_until(lambda: drained(database) and not failures, what="the row is drained", timeout=10)
            outbox.add(database, ["thing:1"], "0" * 16)
            wait_until(lambda: drained(database), what="the next row is drained", timeout=10)
        assert one.running


@on_postgres
@pytest.mark.usefixtures("redis_cache", "drained_here", "quick")
@pytest.mark.parametrize("error", [OperationalError("on purpose"), ZeroDivisionError()], ids=["database", "fault"])
def test_listener_goes_on_after_any_failure(database: str, error: Exception) -> None:
    """It tries again, on a new connection."""
    failures = [error]
    listen = relay._wait_for_calls

    def failing(connection: Any, called: Any, stop: Any) -> None:
        if failures:
            raise failures.pop()
        listen(connection, called, stop)

    with mock.patch.object(relay, "_wait_for_calls", failing), relaying(database) as one:
        wait_until(lambda: len(one.listening) == 2, what="it listens after all", timeout=5)
        assert one.running


@pytest.mark.usefixtures("redis_cache", "drained_here", "quick")
def test_relay_that_is_stopped_leaves_no_connection(database: str) -> None:
    """Neither its own nor its listeners'."""
    with relaying(database) as one:
        assert one.used
    assert [connection.connection for connection in one.used] == [None] * len(one.used)
    assert connections[database] not in one.used


@pytest.mark.usefixtures("redis_cache", "quick")
def test_relay_is_for_every_database(
    postgres_alias: str, sqlite_alias: str, django_db_blocker: Any, settings: Any
) -> None:
    """It listens where that is possible, and looks everywhere."""
    both = [postgres_alias, sqlite_alias]
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": both}
    with django_db_blocker.unblock():
        for alias in both:
            empty_tables(alias)
        with relaying(*both) as one:
            wait_until(lambda: one.listening, what="it listens", timeout=5)
            assert one.listeners() == [f"listen-{postgres_alias}"]
            for alias in both:
                outbox.add(alias, ["thing:1"], "0" * 16)
            wait_until(lambda: all(drained(alias) for alias in both), what="all rows are drained", timeout=10)
        for alias in both:
            connections[alias].close()
