"""Reads and invalidations inside transactions, and what they cost there."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from cache_platform import get_many_or_load, invalidate, peek, read, transactions
from cache_platform.models import OutboxRow
from cache_platform.stores import get_store
from cache_platform.testing import PausedLoader, failing_store, isolated_cache
from tests.integration.cache_platform.test_read_path import never
from tests.integration.cache_platform.test_writes import by_id, closing, groups, reader
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.waiting import wait_until

__all__ = ["by_id"]

pytestmark = pytest.mark.usefixtures("redis_cache")
on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)


@pytest.fixture
def thing(declare: Any) -> Any:
    """A strict policy."""
    return declare(name="test.thing", params={"id": int}, tags=("thing:{id}",), schema=int, hard_timeout=30)


@pytest.fixture
def drained_here(database: str, settings: Any) -> None:
    """The outbox of this test's database is the one that is drained, and nobody waits long for that."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": [database]}


def number(id: int) -> int:
    """A loader."""
    return id


def seven(id: int) -> int:
    """Another loader."""
    return 7


# Reads


@on_postgres
def test_hit_inside_a_transaction_costs_no_query(thing: Any, database: str) -> None:
    """Whether something may be stored is asked only when there is something to store."""
    read(thing, {"id": 1}, number)
    with transaction.atomic(using=database):
        groups(database).count()
        with CaptureQueriesContext(connections[database]) as queries:
            assert read(thing, {"id": 1}, never).cached
    assert len(queries) == 0


@on_postgres
def test_held_tag_inside_a_transaction_is_loaded_without_asking_again(thing: Any, database: str) -> None:
    """Nothing may be stored under it anyway."""
    get_store().hold(thing.address({"id": 1}).tag_keys[-1:], "0" * 16, 60_000)
    with transaction.atomic(using=database), failing_store("none") as store:
        assert read(thing, {"id": 1}, number).value == 1
        assert store.calls == ["lookup"]


def test_all_open_transactions_have_to_be_clean(
    thing: Any, postgres_alias: str, sqlite_alias: str, django_db_blocker: Any
) -> None:
    """One that may be stored from does not make up for another one."""
    with django_db_blocker.unblock():
        with transaction.atomic(using=postgres_alias), transaction.atomic(using=sqlite_alias):
            assert not read(thing, {"id": 1}, number).stored
        with transaction.atomic(using=postgres_alias):
            assert read(thing, {"id": 1}, number).stored


@on_postgres
def test_transaction_that_can_only_be_rolled_back_stores_nothing(thing: Any, database: str) -> None:
    """It cannot be asked whether it wrote; reads of other things go on."""
    with transaction.atomic(using=database):
        transaction.set_rollback(True, using=database)
        found = read(thing, {"id": 1}, number)
    assert (found.value, found.stored) == (1, False)


def test_load_in_a_transaction_is_not_shared(thing: Any, database: str) -> None:
    """What it sees is for itself: it neither waits for others' loads nor do they get its own."""
    outside = PausedLoader(1)
    with failing_store("lookup"):
        running = in_thread(lambda: read(thing, {"id": 1}, outside).value)
        outside.wait_until_entered()

        def inside() -> int:
            with transaction.atomic(using=database):
                return read(thing, {"id": 1}, seven).value

        mine = in_thread(closing(database, inside))
        wait_until(mine.done, what="the load in the transaction waits for nobody", timeout=5)
        assert result(mine) == 7
        outside.resume()
        assert result(running) == 1


def test_batch_in_a_transaction_loads_what_it_changed(by_id: Any, declare: Any, tagged: Any, database: str) -> None:
    """And has the rest from the store."""
    policy = declare(name="test.batch", params={"id": int}, tags=("group:{id}",), schema=str)
    one, other = groups(database).create(name="one"), groups(database).create(name="other")
    wanted = [{"id": one.pk}, {"id": other.pk}]
    asked: list[int] = []

    def load(missing: list[dict[str, Any]]) -> list[str | None]:
        asked.extend(params["id"] for params in missing)
        return [groups(database).get(pk=params["id"]).name for params in missing]

    assert get_many_or_load(policy, wanted, load) == ["one", "other"]
    asked.clear()
    with transaction.atomic(using=database):
        groups(database).filter(pk=one.pk).update(name="new")
        assert get_many_or_load(policy, wanted, load) == ["new", "other"]
        assert asked == [one.pk]
        outside = in_thread(closing(database, lambda: get_many_or_load(policy, wanted, load)))
        assert result(outside) == ["one", "other"]
        assert asked == [one.pk]
    assert get_many_or_load(policy, wanted, load) == ["new", "other"]


def test_write_supersedes_local_copies_of_this_process(declare: Any, tagged: Any, database: str) -> None:
    """A relaxed policy may be old by its `local_ttl` elsewhere, not where the write was made."""
    policy = declare(
        name="test.public", params={"id": int}, tags=("group:{id}",), schema=str,
        consistency="relaxed", audience="public", local_ttl=60,
    )  # fmt: skip
    tagged(Group, "group:{pk}")
    get = reader(policy, lambda id: groups(database).get(pk=id).name)
    group = groups(database).create(name="old")
    assert get(group.pk) == "old"
    assert read(policy, {"id": group.pk}, never).source == "local"
    group.name = "new"
    group.save()
    assert get(group.pk) == "new"


def test_isolated_cache_supersedes_at_once(by_id: Any, database: str) -> None:
    """In a test's transaction, which never commits, each write counts as committed."""
    with isolated_cache(), transaction.atomic(using=database):
        group = groups(database).create(name="old")
        assert by_id(group.pk) == "old"
        assert by_id.cached(group.pk)
        groups(database).update(name="new")
        assert by_id(group.pk) == "new"
        transaction.set_rollback(True, using=database)


# Invalidations


@pytest.mark.usefixtures("drained_here")
def test_invalidation_while_the_store_is_away_waits_in_the_outbox(
    thing: Any, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It returns when its row is drained, by whoever is able to."""
    monkeypatch.setattr(transactions, "WAIT", 60.0)
    read(thing, {"id": 1}, number)
    with failing_store("bump") as store:
        waiting = in_thread(closing(database, lambda: invalidate("thing:1")))
        wait_until(lambda: OutboxRow.objects.using(database).count() == 1, what="the row is there")
        assert OutboxRow.objects.using(database).get().tags == "thing:1"
        assert not waiting.done()
        store.failing.clear()
        assert result(waiting) == 0
    assert not OutboxRow.objects.using(database).exists()
    assert peek(thing, {"id": 1}) is None


@pytest.mark.usefixtures("drained_here")
def test_invalidation_in_a_transaction_leaves_the_outbox_to_its_commit(
    thing: Any, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for nothing in there, and one row is enough."""
    monkeypatch.setattr(transactions, "WAIT", 0.05)
    read(thing, {"id": 1}, number)
    with failing_store("bump", "hold"):
        with transaction.atomic(using=database):
            assert invalidate("thing:1") == 0
            assert not OutboxRow.objects.using(database).exists()
        assert [row.tags for row in OutboxRow.objects.using(database).all()] == ["thing:1"]


def test_invalidation_reaches_local_copies_while_the_store_is_away(declare: Any) -> None:
    """This process does not go on with what it was told is old."""
    policy = declare(
        name="test.public", params={"id": int}, tags=("thing:{id}",), schema=int,
        consistency="relaxed", audience="public", local_ttl=60,
    )  # fmt: skip
    read(policy, {"id": 1}, number)
    assert read(policy, {"id": 1}, never).source == "local"
    with failing_store("bump", "lookup"):
        assert invalidate("thing:1") == 0
        assert read(policy, {"id": 1}, seven).value == 7


@pytest.mark.parametrize("first", [True, False])
def test_manual_transaction_is_one_as_well(thing: Any, database: str, first: bool) -> None:
    """With autocommit off, whether or not a statement has begun it."""
    transaction.set_autocommit(False, using=database)
    try:
        if first:
            groups(database).create(name="uncommitted")
        with failing_store("none") as store:
            invalidate("thing:1")
            assert "hold" not in store.calls
            transaction.commit(using=database)
            assert store.calls == ["bump", "hold", "bump"]
    finally:
        transaction.set_autocommit(True, using=database)
