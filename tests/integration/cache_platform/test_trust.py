"""When the store is believed: while the mark of a look at the outbox is there; else the reader looks itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Group
from django.db import connections, transaction

from cache_platform import get_many_or_load, invalidate, keys, outbox, read, transactions
from cache_platform.exceptions import StoreUnavailable
from cache_platform.models import OutboxRow
from cache_platform.stores import get_store, redis, reset_process
from cache_platform.stores.connection import get_breaker
from tests.faults.actors import Actor
from tests.faults.conftest import frail_redis
from tests.integration.cache_platform.test_read_path import never
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.databases import added_database, empty_tables
from tests.services.redis import RedisUnderTest
from tests.services.site import base_environment
from tests.services.waiting import wait_until

__all__ = ["frail_redis"]

on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)


@pytest.fixture
def get(declare: Any, database: str, settings: Any, frail_redis: RedisUnderTest) -> Callable[..., Any]:
    """Read a group's name; the outbox of this test's database is the one that is drained."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": [database]}
    policy = declare(name="test.group", params={"id": int}, tags=("group:{id}",), schema=str)

    def load(id: int) -> str | None:
        return Group.objects.using(database).filter(pk=id).values_list("name", flat=True).first()

    return lambda id, loader=load: read(policy, {"id": id}, loader)


@pytest.fixture
def group(database: str, get: Callable[..., Any]) -> int:
    """A group whose name is in the store."""
    number = int(Group.objects.using(database).create(name="old").pk)
    get(number)
    assert get(number, never).cached
    return number


def change_unseen(database: str, number: int) -> None:
    """As another process does that could only tell the outbox, and whose wait is over."""
    with connections[database].cursor() as cursor:
        cursor.execute("UPDATE auth_group SET name = 'new' WHERE id = %s", [number])
    outbox.add(database, [f"group:{number}"], "0" * 16)


def end_mark(server: RedisUnderTest) -> None:
    """Have the time of the last look's mark be over."""
    with server.client() as client:
        client.delete(keys.mark_key())


def mark_of(server: RedisUnderTest) -> tuple[bytes | None, int]:
    """The mark: when its look began, and when it ends; -2 without one."""
    with server.client() as client:
        return client.get(keys.mark_key()), client.pexpiretime(keys.mark_key())


def server_ms(server: RedisUnderTest) -> int:
    """The server's time."""
    with server.client() as client:
        seconds, microseconds = client.time()
    return int(seconds * 1000 + microseconds // 1000)


@contextmanager
def counted_looks() -> Iterator[list[int]]:
    """A number for each look that this process takes."""
    looks: list[int] = []
    real = outbox.drain

    def drain(using: str | None = None) -> int:
        looks.append(len(looks))
        return real(using)

    with mock.patch.object(outbox, "drain", drain):
        yield looks


def test_reader_that_finds_no_mark_looks_itself(
    database: str, get: Callable[..., Any], group: int, frail_redis: RedisUnderTest
) -> None:
    """There may be nobody else who does."""
    change_unseen(database, group)
    end_mark(frail_redis)
    assert get(group).value == "new"
    assert not OutboxRow.objects.using(database).exists()
    assert get(group, never).cached


def test_mark_spares_everybody_the_look(get: Callable[..., Any], group: int, frail_redis: RedisUnderTest) -> None:
    """One look is enough for all reads as long as its mark is there."""
    end_mark(frail_redis)
    with counted_looks() as looks:
        get(group)
        assert len(looks) == 1
        with frail_redis.client() as client:
            client.persist(keys.mark_key())
        for _ in range(5):
            assert get(group, never).cached
    assert len(looks) == 1


def test_mark_ends_by_itself(database: str, get: Callable[..., Any], group: int, frail_redis: RedisUnderTest) -> None:
    """By the store's clock, whoever is alive then."""
    end_mark(frail_redis)
    before = server_ms(frail_redis)
    get(group)
    began, ends = mark_of(frail_redis)
    assert began is not None
    assert before <= int(began) <= server_ms(frail_redis)
    assert ends - int(began) == round(redis.MARK_LASTS * 1000)
    assert redis.MARK_LASTS < transactions.WAIT
    change_unseen(database, group)
    wait_until(lambda: mark_of(frail_redis)[1] == -2, what="the mark has ended")
    assert get(group).value == "new"


def test_look_that_took_too_long_leaves_no_mark(
    get: Callable[..., Any], group: int, frail_redis: RedisUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it did not see any more may have been written since it began: the reader does without the store."""
    monkeypatch.setattr(redis, "MARK_LASTS", 0.02)
    end_mark(frail_redis)
    real = outbox.drain

    def drain(using: str | None = None) -> int:
        drained = real(using)
        now = server_ms(frail_redis)
        wait_until(lambda: server_ms(frail_redis) > now + 20, what="time passes")
        return drained

    with mock.patch.object(outbox, "drain", drain):
        found = get(group, lambda id: "from the source")
    assert (found.value, found.detail) == ("from the source", "no-store")
    assert mark_of(frail_redis) == (None, -2)
    assert not get_breaker("default").is_open


def test_look_that_began_earlier_takes_nothing_back(
    get: Callable[..., Any], group: int, frail_redis: RedisUnderTest
) -> None:
    """It ends last, and the mark of the later one stays."""
    store, real = get_store(), outbox.drain
    later: list[tuple[bytes | None, int]] = []

    def drain(using: str | None = None) -> int:
        if not later:
            later.append((None, 0))
            now = server_ms(frail_redis)
            wait_until(lambda: server_ms(frail_redis) > now + 1, what="time passes")
            store.look_at_outbox()  # type: ignore[attr-defined]
            later[0] = mark_of(frail_redis)
        return real(using)

    with mock.patch.object(outbox, "drain", drain):
        store.look_at_outbox()  # type: ignore[attr-defined]
    assert mark_of(frail_redis) == later[0]


def test_mark_is_left_after_the_drain(database: str, group: int, frail_redis: RedisUnderTest) -> None:
    """Not by one that failed in the middle of it."""
    change_unseen(database, group)
    end_mark(frail_redis)
    with (
        mock.patch.object(type(get_store()), "bump_many", side_effect=StoreUnavailable("on purpose")),
        pytest.raises(StoreUnavailable),
    ):
        get_store().look_at_outbox()  # type: ignore[attr-defined]
    assert mark_of(frail_redis) == (None, -2)


def test_batch_is_believed_as_a_whole(
    declare: Any, database: str, get: Callable[..., Any], group: int, frail_redis: RedisUnderTest
) -> None:
    """One look for all of its entries."""
    policy = declare(name="test.batch", params={"id": int}, tags=("group:{id}",), schema=str)
    wanted = [{"id": group}, {"id": -1}]

    def load(missing: list[dict[str, Any]]) -> list[str | None]:
        there = dict(Group.objects.using(database).values_list("pk", "name"))
        return [there.get(params["id"]) for params in missing]

    assert get_many_or_load(policy, wanted, load) == ["old", None]
    change_unseen(database, group)
    end_mark(frail_redis)
    with counted_looks() as looks:
        assert get_many_or_load(policy, wanted, load) == ["new", None]
    assert len(looks) == 1


def test_relaxed_policies_need_no_mark(declare: Any, get: Callable[..., Any], frail_redis: RedisUnderTest) -> None:
    """They may be old for a moment anyway."""
    policy = declare(name="test.relaxed", params={"id": int}, schema=int, consistency="relaxed", audience="public")
    with counted_looks() as looks:
        read(policy, {"id": 1}, lambda id: id)
        assert read(policy, {"id": 1}, never).cached
    assert looks == []
    assert mark_of(frail_redis) == (None, -2)


def test_site_without_an_outbox_needs_no_mark(get: Callable[..., Any], group: int, settings: Any) -> None:
    """There is nothing to look at."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": []}
    with counted_looks() as looks:
        assert get(group, never).cached
    assert looks == []


@on_postgres
def test_look_sees_what_its_readers_transaction_does_not(
    database: str, get: Callable[..., Any], group: int, frail_redis: RedisUnderTest
) -> None:
    """Whose snapshot is older than the row."""

    def elsewhere() -> None:
        change_unseen(database, group)
        connections[database].close()

    with transaction.atomic(using=database):
        with connections[database].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert not OutboxRow.objects.using(database).exists()
        result(in_thread(elsewhere))
        end_mark(frail_redis)
        get(group)
    assert not OutboxRow.objects.using(database).exists()
    assert get(group).value == "new"


def test_look_leaves_no_connection_to_the_database(database: str, get: Callable[..., Any]) -> None:
    """Its thread is gone afterwards, and a connection of it would be nobody's."""
    used: list[Any] = []

    def drain(using: str | None = None) -> int:
        used.append(connections[database])
        used[0].ensure_connection()
        return 0

    with mock.patch.object(outbox, "drain", drain):
        get_store().looks.one()  # type: ignore[attr-defined]
    assert used[0] is not connections[database]
    wait_until(lambda: used[0].connection is None, what="the look's connection is closed", timeout=5)


# The database is away


@contextmanager
def database_away(settings: Any, database: str) -> Iterator[None]:
    """The outbox cannot be looked at as long as this lasts."""
    with added_database("away", "postgres://nobody@%2Fnowhere/site") as alias:
        settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": [alias]}
        yield
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": [database]}


def test_process_whose_database_is_away_at_its_start_believes_nothing(
    database: str, get: Callable[..., Any], group: int, frail_redis: RedisUnderTest, settings: Any
) -> None:
    """It cannot know what is old, until it has seen the outbox."""
    change_unseen(database, group)
    end_mark(frail_redis)
    reset_process()
    with database_away(settings, database):
        found = get(group, lambda id: "from the source")
        assert (found.value, found.detail) == ("from the source", "no-store")
    assert get(group).value == "new"


def test_hits_go_on_when_the_database_goes_away(
    database: str, get: Callable[..., Any], group: int, frail_redis: RedisUnderTest, settings: Any
) -> None:
    """Of a process that has believed the store before: nobody writes without the database."""
    end_mark(frail_redis)
    with database_away(settings, database):
        for _ in range(3):
            assert get(group, never).cached
            end_mark(frail_redis)
        assert get_store().looks.excused  # type: ignore[attr-defined]


# Outages


@pytest.mark.parametrize("kind", ["write", "invalidation"])
def test_relaxed_policies_do_not_go_back_to_what_was_superseded_during_an_outage(
    declare: Any,
    tagged: Any,
    get: Callable[..., Any],
    database: str,
    frail_redis: RedisUnderTest,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """They need no mark; but the process that did it drains the outbox before its breaker closes."""
    monkeypatch.setattr(transactions, "WAIT", 0.05)
    tagged(Group, "group:{pk}")
    policy = declare(
        name="test.relaxed", params={"id": int}, tags=("group:{id}",), schema=int,
        consistency="relaxed", audience="public",
    )  # fmt: skip
    number = Group.objects.using(database).create(name="old").pk
    read(policy, {"id": number}, lambda id: 1)
    frail_redis.pause()
    if kind == "write":
        Group.objects.using(database).filter(pk=number).update(name="new")
    else:
        assert invalidate(f"group:{number}") == 0
    assert OutboxRow.objects.using(database).count() == 1
    frail_redis.resume()
    wait_until(lambda: not get_breaker("default").is_open, what="the breaker closes")
    assert read(policy, {"id": number}, lambda id: 2).value == 2
    assert not OutboxRow.objects.using(database).exists()


def test_process_that_was_stopped_and_is_left_alone_with_the_outbox(
    tmp_path: Path, postgres_url: str, postgres_alias: str, django_db_blocker: Any
) -> None:
    """It noticed nothing of the outage, and neither a relay nor the writer lives any more: it looks itself."""
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        empty_tables(postgres_alias)
        stack.callback(empty_tables, postgres_alias)
        server = stack.enter_context(RedisUnderTest(tmp_path / "redis"))
        environment = base_environment(tmp_path, REDIS_URL=server.url, DATABASE_URL=postgres_url)
        writer, reader = (stack.enter_context(Actor(environment)) for _ in range(2))
        writer.ask(do="write", id=7, name="old")
        reader.read(7)
        assert reader.ask(do="read", id=7)["cached"]
        with reader.stopped():
            server.pause()
            writer.ask(do="write", id=7, name="new")
            os.kill(writer._process.pid, signal.SIGKILL)
            writer.wait_until_dead()
            server.resume()
            assert OutboxRow.objects.using(postgres_alias).exists()
        assert reader.read(7) == "new"
        wait_until(lambda: reader.ask(do="read", id=7)["cached"], what="hits again")
        assert reader.read(7) == "new"
        assert not OutboxRow.objects.using(postgres_alias).exists()
