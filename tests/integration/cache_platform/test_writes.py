"""Every write of the ORM supersedes what it made old, on PostgreSQL and on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connections, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat

from accounts.models import User
from cache_platform import invalidate, read
from cache_platform.stores import get_store
from cache_platform.testing import failing_store
from tests.integration.cache_platform.threads import in_thread, result

pytestmark = pytest.mark.usefixtures("redis_cache")


@pytest.fixture
def by_id(declare: Any, tagged: Any, database: str) -> Callable[[int], Any]:
    """Read a group's name through a strict policy, by its id."""
    policy = declare(name="test.group", params={"id": int}, tags=("group:{id}",), schema=str)
    tagged(Group, "group:{pk}")
    return reader(policy, lambda id: Group.objects.using(database).filter(pk=id).values_list("name", flat=True).first())


@pytest.fixture
def by_name(declare: Any, tagged: Any, database: str) -> Callable[[str], Any]:
    """Read a group's id through a strict policy, by its name: the tag is of a field that changes."""
    policy = declare(name="test.named", params={"name": str}, tags=("named:{name}",), schema=int)
    tagged(Group, "named:{name}")
    return reader(
        policy, lambda name: Group.objects.using(database).filter(name=name).values_list("pk", flat=True).first()
    )


def reader(policy: Any, loader: Callable[..., Any]) -> Callable[[Any], Any]:
    """Reads of a policy with one parameter; `cached(value)` says whether an entry answers."""
    (name,) = policy.params

    def get(value: Any) -> Any:
        return read(policy, {name: value}, loader).value

    get.cached = lambda value: read(policy, {name: value}, loader).cached  # type: ignore[attr-defined]
    return get


def groups(database: str) -> Any:
    """The groups of the database."""
    return Group.objects.using(database)


WRITES: dict[str, Callable[[Any, Any], object]] = {
    "save": lambda groups, group: (setattr(group, "name", "new"), group.save()),
    "save of one field": lambda groups, group: (setattr(group, "name", "new"), group.save(update_fields=["name"])),
    "QuerySet.update": lambda groups, group: groups.filter(pk=group.pk).update(name="new"),
    "QuerySet.update by another field": lambda groups, group: groups.filter(name="old").update(name="new"),
    "QuerySet.update through a join": lambda groups, group: groups.exclude(permissions__codename="x").update(
        name="new"
    ),
    "QuerySet.update with an expression": lambda groups, group: groups.update(name=Concat(Value("n"), Value("ew"))),
    "bulk_update": lambda groups, group: (setattr(group, "name", "new"), groups.bulk_update([group], ["name"])),
    "update_or_create": lambda groups, group: groups.update_or_create(pk=group.pk, defaults={"name": "new"}),
    "bulk_create with update_conflicts": lambda groups, group: groups.bulk_create(
        [Group(pk=group.pk, name="new")], update_conflicts=True, unique_fields=["id"], update_fields=["name"]
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("in_block", [False, True], ids=["autocommit", "atomic"])
def test_changed_row_is_read_anew(
    by_id: Any, by_name: Any, database: str, write: Callable[[Any, Any], object], in_block: bool
) -> None:
    """Under its id, under its old name and under its new one."""
    group = groups(database).create(name="old")
    assert (by_id(group.pk), by_name("old"), by_name("new")) == ("old", group.pk, None)
    if in_block:
        with transaction.atomic(using=database):
            write(groups(database), group)
    else:
        write(groups(database), group)
    assert (by_id(group.pk), by_name("old"), by_name("new")) == ("new", None, group.pk)
    assert by_id.cached(group.pk)


DELETES: dict[str, Callable[[Any, Any], object]] = {
    "delete": lambda groups, group: group.delete(),
    "QuerySet.delete": lambda groups, group: groups.filter(name="old").delete(),
    "QuerySet.delete through a join": lambda groups, group: groups.exclude(permissions__codename="x").delete(),
    "_raw_delete": lambda groups, group: groups.all()._raw_delete(groups.db),
}


@pytest.mark.parametrize("delete", DELETES.values(), ids=DELETES.keys())
def test_deleted_row_is_not_found(by_id: Any, by_name: Any, database: str, delete: Callable[..., object]) -> None:
    """By any of its tags."""
    group = groups(database).create(name="old")
    number = group.pk
    assert (by_id(number), by_name("old")) == ("old", number)
    delete(groups(database), group)
    assert (by_id(number), by_name("old")) == (None, None)


INSERTS: dict[str, Callable[[Any], object]] = {
    "create": lambda groups: groups.create(name="new"),
    "get_or_create": lambda groups: groups.get_or_create(name="new"),
    "bulk_create": lambda groups: groups.bulk_create([Group(name="new"), Group(name="other")]),
    "bulk_create with ignore_conflicts": lambda groups: groups.bulk_create([Group(name="new")], ignore_conflicts=True),
}


@pytest.mark.parametrize("insert", INSERTS.values(), ids=INSERTS.keys())
def test_new_row_supersedes_not_found(by_name: Any, database: str, insert: Callable[[Any], object]) -> None:
    """ "Not found" is a value with a tag, too."""
    assert by_name("new") is None
    assert by_name.cached("new")
    insert(groups(database))
    assert by_name("new") is not None


def test_new_row_supersedes_not_found_by_the_id_that_the_database_gives(by_id: Any, database: str) -> None:
    """The tag of a primary key is known only after the INSERT."""
    last = groups(database).create(name="last").pk
    assert by_id(last + 1) is None
    groups(database).create(name="next")
    assert by_id(last + 1) == "next"


def test_many_to_many_changes(declare: Any, tagged: Any, database: str) -> None:
    """add, remove, set and clear, from either side."""
    policy = declare(name="test.members", params={"id": int}, tags=("member:{id}",), schema=list[str])
    tagged(User.groups.through, "member:{user_id}")
    user = User.objects.using(database).get(username="ada")
    get = reader(
        policy, lambda id: [group.name for group in User.objects.using(database).get(pk=id).groups.order_by("name")]
    )
    one, two = groups(database).create(name="one"), groups(database).create(name="two")
    assert get(user.pk) == []
    user.groups.add(one)
    assert get(user.pk) == ["one"]
    two.user_set.add(user)
    assert get(user.pk) == ["one", "two"]
    user.groups.set([two])
    assert get(user.pk) == ["two"]
    two.user_set.remove(user)
    assert get(user.pk) == []
    user.groups.add(one)
    assert get(user.pk) == ["one"]
    user.groups.clear()
    assert get(user.pk) == []
    user.groups.add(one)
    assert get(user.pk) == ["one"]
    one.delete()
    assert get(user.pk) == []


def test_tag_of_a_related_row(declare: Any, tagged: Any, database: str) -> None:
    """A path to another model, on insert, on update that moves the row, and on delete."""
    policy = declare(name="test.codes", params={"model": str}, tags=("codes:{model}",), schema=list[str])
    tagged(Permission, "codes:{content_type__model}")
    Permission.objects.using(database).filter(codename__startswith="test_").delete()
    user, group = (ContentType.objects.db_manager(database).get(model=name) for name in ("user", "group"))

    def load(model: str) -> list[str]:
        found = Permission.objects.using(database).filter(content_type__model=model, codename__startswith="test_")
        return list(found.values_list("codename", flat=True))

    get = reader(policy, load)
    assert (get("user"), get("group")) == ([], [])
    made = Permission.objects.using(database).create(codename="test_a", name="a", content_type=user)
    assert (get("user"), get("group")) == (["test_a"], [])
    made.content_type = group
    made.save()
    assert (get("user"), get("group")) == ([], ["test_a"])
    Permission.objects.using(database).filter(pk=made.pk).delete()
    assert (get("user"), get("group")) == ([], [])


def test_ignored_fields_supersede_nothing(declare: Any, tagged: Any, database: str) -> None:
    """An update of `last_login` alone leaves the user's entries; with another field it does not."""
    policy = declare(name="test.user", params={"id": int}, tags=("testuser:{id}",), schema=str)
    tagged(User, "testuser:{id}", ignoring=("last_login",))
    user = User.objects.using(database).get(username="ada")
    get = reader(policy, lambda id: User.objects.using(database).get(pk=id).first_name)
    assert get(user.pk) == "Ada"
    user.save(update_fields=["last_login"])
    assert get.cached(user.pk)  # type: ignore[attr-defined]
    user.save(update_fields=["last_login", "first_name"])
    assert not get.cached(user.pk)  # type: ignore[attr-defined]


@contextmanager
def failing_block(database: str) -> Iterator[None]:
    """An atomic block that is rolled back by an error at its end."""
    with suppress(ZeroDivisionError), transaction.atomic(using=database):
        yield
        raise ZeroDivisionError


def test_rollback_supersedes_nothing_and_leaves_no_hold(by_id: Any, database: str) -> None:
    """What was not committed did not happen."""
    group = groups(database).create(name="old")
    by_id(group.pk)
    with failing_block(database):
        groups(database).update(name="new")
    assert by_id.cached(group.pk)
    assert by_id(group.pk) == "old"


def test_savepoint_rolled_back_and_the_same_tag_changed_again(by_id: Any, database: str) -> None:
    """The set of tags is the outermost transaction's; savepoints never shrink it."""
    group = groups(database).create(name="old")
    by_id(group.pk)
    with transaction.atomic(using=database):
        with failing_block(database):
            groups(database).update(name="inner")
        groups(database).update(name="outer")
    assert by_id(group.pk) == "outer"


def test_change_in_a_savepoint_alone(by_id: Any, database: str) -> None:
    """Committed with the outermost transaction."""
    group = groups(database).create(name="old")
    by_id(group.pk)
    with transaction.atomic(using=database), transaction.atomic(using=database):
        groups(database).update(name="new")
    assert by_id(group.pk) == "new"


def test_own_uncommitted_read_sees_the_change_and_stores_nothing(by_id: Any, database: str) -> None:
    """Inside the transaction its own value; everybody else the old one until the COMMIT."""
    group = groups(database).create(name="old")
    by_id(group.pk)
    with transaction.atomic(using=database):
        groups(database).update(name="new")
        assert by_id(group.pk) == "new"
        assert not by_id.cached(group.pk)
        assert result(in_thread(closing(database, lambda: by_id(group.pk)))) == "old"
    assert by_id(group.pk) == "new"


def closing(database: str, call: Callable[[], Any]) -> Callable[[], Any]:
    """`call` in a thread, which closes its own connection."""

    def run() -> Any:
        try:
            return call()
        finally:
            connections[database].close()

    return run


def test_earlier_on_commit_that_raises_does_not_keep_the_bump_back(by_id: Any, database: str) -> None:
    """The bump comes before all `on_commit` work, whoever registered first."""
    group = groups(database).create(name="old")
    by_id(group.pk)

    def fail() -> None:
        assert by_id(group.pk) == "new"
        raise ZeroDivisionError

    def write() -> None:
        with transaction.atomic(using=database):
            transaction.on_commit(fail, using=database)
            groups(database).update(name="new")

    with pytest.raises(ZeroDivisionError):
        write()
    assert by_id(group.pk) == "new"


def test_manual_commit(by_id: Any, database: str) -> None:
    """Without `atomic`, with autocommit off."""
    group = groups(database).create(name="old")
    by_id(group.pk)
    transaction.set_autocommit(False, using=database)
    try:
        groups(database).update(name="new")
        assert by_id(group.pk) == "new"
        transaction.rollback(using=database)
        assert by_id(group.pk) == "old"
        groups(database).update(name="newer")
        transaction.commit(using=database)
    finally:
        transaction.set_autocommit(True, using=database)
    assert by_id(group.pk) == "newer"


def test_refused_commit_lets_go(by_id: Any, database: str) -> None:
    """A write that the database refuses leaves nothing held: the entry is a hit at once."""
    group = groups(database).create(name="old")
    by_id(group.pk)
    with pytest.raises(IntegrityError):
        groups(database).create(name="old")
    assert by_id.cached(group.pk)


def test_two_databases_in_one_block(
    declare: Any, tagged: Any, postgres_alias: str, sqlite_alias: str, django_db_blocker: Any
) -> None:
    """Each connection holds and bumps for itself."""
    policy = declare(name="test.both", params={"id": int}, tags=("both:{id}",), schema=dict)
    tagged(Group, "both:{pk}")
    with django_db_blocker.unblock():
        for alias in (postgres_alias, sqlite_alias):
            Group.objects.using(alias).all().delete()
            Group.objects.using(alias).create(pk=1, name="old")

        def load(id: int) -> dict[str, str]:
            return {alias: Group.objects.using(alias).get(pk=id).name for alias in (postgres_alias, sqlite_alias)}

        get = reader(policy, load)
        assert set(get(1).values()) == {"old"}
        with transaction.atomic(using=postgres_alias), transaction.atomic(using=sqlite_alias):
            Group.objects.using(postgres_alias).update(name="new")
            Group.objects.using(sqlite_alias).update(name="new")
        assert set(get(1).values()) == {"new"}
        with transaction.atomic(using=postgres_alias):
            Group.objects.using(postgres_alias).update(name="newer")
        assert get(1) == {postgres_alias: "newer", sqlite_alias: "new"}
        for alias in (postgres_alias, sqlite_alias):
            connections[alias].close()


def test_too_many_rows_supersede_the_policy(
    by_id: Any, by_name: Any, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a bound rows are not named one by one."""
    monkeypatch.setattr("cache_platform.rows.MOST_ROWS", 3)
    monkeypatch.setattr("cache_platform.tracking.MOST_ROWS", 3)
    groups(database).bulk_create([Group(name=f"g{number}") for number in range(5)])
    first = groups(database).order_by("pk").first()
    assert by_id(first.pk) == "g0"
    groups(database).update(name=Concat(F("name"), Value("x")))
    assert by_id(first.pk) == "g0x"
    groups(database).all().delete()
    assert by_id(first.pk) is None


def test_write_without_declaration_asks_the_store_nothing(database: str) -> None:
    """A model that is not declared costs nothing."""
    with counted_store_calls() as calls:
        ContentType.objects.using(database).filter(model="nothing").update(model="other")
        ContentType.objects.using(database).create(app_label="test", model="nothing").delete()
    assert calls == []


def test_write_costs_two_round_trips(by_id: Any, database: str) -> None:
    """One for the hold, one for the bump, however many tags."""
    with counted_store_calls() as calls, transaction.atomic(using=database):
        groups(database).bulk_create([Group(name=f"g{number}") for number in range(50)])
    assert calls == ["hold", "bump"]


@contextmanager
def counted_store_calls() -> Iterator[list[str]]:
    """The store's methods that are called."""
    with failing_store("none") as store:
        yield store.calls


def test_invalidate_inside_a_transaction_is_repeated_at_its_commit(by_id: Any, database: str) -> None:
    """What another reader loads and stores between the two must not outlive the COMMIT."""
    group = groups(database).create(name="old")
    with transaction.atomic(using=database):
        with connections[database].cursor() as cursor:
            cursor.execute("UPDATE auth_group SET name = 'new'")
        invalidate(f"group:{group.pk}")
        assert result(in_thread(closing(database, lambda: by_id(group.pk)))) == "old"
    assert by_id(group.pk) == "new"


def test_failed_write_inside_a_block_is_as_django_has_it(by_id: Any, database: str) -> None:
    """An error inside a savepoint rolls that back; the block goes on."""
    group = groups(database).create(name="old")
    with transaction.atomic(using=database):
        with pytest.raises(IntegrityError), transaction.atomic(using=database):
            groups(database).create(name="old")
        groups(database).update(name="new")
    assert by_id(group.pk) == "new"
    assert get_store().name == "redis"


@pytest.mark.parametrize("expression", [False, True], ids=["constant", "expression"])
def test_row_that_gets_another_primary_key(by_id: Any, database: str, expression: bool) -> None:
    """Its old key is not found any more, and its new one is."""
    number = groups(database).create(name="old").pk
    assert (by_id(number), by_id(number + 1)) == ("old", None)
    groups(database).filter(pk=number).update(id=F("id") + 1 if expression else number + 1)
    assert (by_id(number), by_id(number + 1)) == (None, "old")
