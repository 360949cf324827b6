"""Writes at their edges: other shapes of queries, values that only the database knows, many rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.migrations.state import ModelState, ProjectState
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat, Lower

from cache_platform import rows, tracking
from cache_platform.stores import redis
from cache_platform.transactions import Write
from tests.integration.cache_platform.test_writes import by_id, by_name, closing, groups, reader
from tests.integration.cache_platform.threads import in_thread, result

__all__ = ["by_id", "by_name"]

pytestmark = pytest.mark.usefixtures("redis_cache")


# Shapes of queries


UPDATES: dict[str, Callable[[Any, Any], object]] = {
    "by a count": lambda groups, group: groups.annotate(n=Count("permissions")).filter(n=0).update(name="new"),
    "distinct": lambda groups, group: groups.filter(name="old").distinct().update(name="new"),
    "grouped": lambda groups, group: groups.values("name").annotate(n=Count("permissions")).update(name="new"),
    "distinct over a join": lambda groups, group: groups.filter(permissions=None).distinct().update(name="new"),
    "ordered by a join": lambda groups, group: groups.order_by("permissions__name").update(name="new"),
    "ordered by an extra column": lambda groups, group: groups.extra(select={"z": "1"}, order_by=["z"]).update(
        name="new"
    ),
    "by name": lambda groups, group: groups.filter(name="old").update(name="new"),
    "by key and name": lambda groups, group: groups.filter(pk=group.pk, name="old").update(name="new"),
    "by raw SQL": lambda groups, group: groups.extra(where=["name = 'old'"]).update(name="new"),
    "by EXISTS": lambda groups, group: groups.filter(~Exists(Permission.objects.filter(group=OuterRef("pk")))).update(
        name="new"
    ),
    "by a list of keys": lambda groups, group: groups.filter(pk__in=[group.pk, -1]).update(name="new"),
    "by a query's keys": lambda groups, group: groups.filter(pk__in=groups.filter(name="old").values("pk")).update(
        name="new"
    ),
    "by a query's one key": lambda groups, group: groups.filter(
        pk=Subquery(groups.filter(name="old").values("pk")[:1])
    ).update(name="new"),
    "by the key as an expression": lambda groups, group: groups.filter(pk=F("id")).update(name="new"),
    "by key or name": lambda groups, group: groups.filter(Q(pk=-1) | Q(name="old")).update(name="new"),
    "by key or join": lambda groups, group: groups.filter(Q(name="old") | Q(permissions__name="x")).update(name="new"),
    "by another key that is excluded": lambda groups, group: groups.exclude(pk=-1).update(name="new"),
    "by a key that is excluded or not": lambda groups, group: groups.filter(~Q(pk=-1) | Q(pk=-1)).update(name="new"),
    "by two keys that are one": lambda groups, group: (
        groups.filter(pk=group.pk).filter(pk=str(group.pk)).update(name="new")
    ),
    "by an annotation": lambda groups, group: (
        groups.annotate(low=Lower("name")).filter(low="old").update(name=Concat(Value("n"), Value("ew")))
    ),
}


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES.keys())
def test_update_of_another_shape(by_id: Any, by_name: Any, database: str, update: Callable[..., int]) -> None:
    """It changes the rows that it would change without us, and their tags are superseded."""
    group = groups(database).create(name="old")
    assert (by_id(group.pk), by_name("old"), by_name("new")) == ("old", group.pk, None)
    assert update(groups(database), group) == 1
    assert (by_id(group.pk), by_name("old"), by_name("new")) == ("new", None, group.pk)


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES.keys())
def test_update_of_another_shape_where_the_key_is_the_tag(
    by_id: Any, database: str, update: Callable[..., int]
) -> None:
    """A WHERE that is nothing but a key spares the look at the rows; none of these may be taken for one wrongly."""
    group = groups(database).create(name="old")
    assert by_id(group.pk) == "old"
    assert update(groups(database), group) == 1
    assert by_id(group.pk) == "new"


def test_update_by_the_key_of_another_model(declare: Any, tagged: Any, database: str) -> None:
    """The key in its WHERE is a permission's, not a content type's."""
    policy = declare(name="test.type", params={"id": int}, tags=("type:{id}",), schema=str)
    tagged(ContentType, "type:{pk}")
    types = ContentType.objects.db_manager(database).all()
    get = reader(policy, lambda id: types.get(pk=id).model)
    made = types.create(app_label="test", model="old")
    key = Permission.objects.using(database).create(codename="test_key", name="x", content_type=made).pk
    try:
        assert key != made.pk
        assert get(made.pk) == "old"
        assert types.filter(permission__pk=key).update(model="new") == 1
        assert get(made.pk) == "new"
    finally:
        made.delete()


def test_update_of_no_row_supersedes_nothing(by_id: Any, by_name: Any, database: str) -> None:
    """Whether Django knows before that there is none, or the database says so."""
    group = groups(database).create(name="old")
    assert (by_id(group.pk), by_name("old")) == ("old", group.pk)
    assert groups(database).none().update(name="new") == 0
    assert groups(database).filter(name="nobody's").update(name="new") == 0
    assert groups(database).filter(permissions__codename="nobody's").update(name="new") == 0
    assert groups(database).filter(permissions__codename="nobody's").delete() == (0, {})
    assert by_id.cached(group.pk)
    assert by_name.cached("old")


def test_value_that_the_database_makes(by_name: Any, database: str) -> None:
    """An expression in an INSERT: its tag is known only afterwards."""
    assert by_name("new") is None
    made = groups(database).create(name=Lower(Value("NEW")))
    assert by_name("new") == made.pk


def test_value_that_an_object_has_in_another_form(declare: Any, tagged: Any, database: str) -> None:
    """A number given as text is the tag of that number."""
    policy = declare(name="test.codes", params={"id": int}, tags=("codesof:{id}",), schema=list[str])
    tagged(Permission, "codesof:{content_type_id}")
    permissions = Permission.objects.using(database)
    get = reader(
        policy,
        lambda id: list(permissions.filter(content_type=id, codename="test_x").values_list("codename", flat=True)),
    )
    kind = ContentType.objects.db_manager(database).get(model="group").pk
    assert get(kind) == []
    made = permissions.create(codename="test_x", name="x", content_type_id=f"0{kind}")
    try:
        assert get(kind) == ["test_x"]
    finally:
        made.delete()
    assert get(kind) == []


def test_new_rows_whose_keys_the_database_does_not_tell(by_id: Any, database: str) -> None:
    """ON CONFLICT DO NOTHING returns no keys, so that all groups' entries are superseded."""
    last = groups(database).create(name="last").pk
    assert by_id(last + 1) is None
    groups(database).bulk_create([Group(name="next")], ignore_conflicts=True)
    assert by_id(last + 1) == "next"


def test_conflicts_found_by_the_tags_field_name_the_rows(by_id: Any, database: str) -> None:
    """An upsert by primary key leaves the entries of all other rows."""
    one, two = groups(database).create(name="one"), groups(database).create(name="two")
    assert (by_id(one.pk), by_id(two.pk)) == ("one", "two")
    groups(database).bulk_create(
        [Group(pk=one.pk, name="new")], update_conflicts=True, unique_fields=["id"], update_fields=["name"]
    )
    assert by_id.cached(two.pk)
    assert by_id(one.pk) == "new"


# Historical models


@pytest.fixture
def old_group() -> Any:
    """Groups as a migration may see them: without their permissions."""
    state = ProjectState()
    fields = [("id", models.AutoField(primary_key=True)), ("name", models.CharField(max_length=150))]
    state.add_model(ModelState("auth", "Group", fields, options={"db_table": "auth_group"}))
    return state.apps.get_model("auth", "Group")


def test_historical_model_that_lacks_a_field_supersedes_all(
    declare: Any, tagged: Any, database: str, old_group: Any
) -> None:
    """A data migration is a write as well, and its model may be older than the declaration."""
    policy = declare(name="test.allowed", params={"codename": str}, tags=("allowed:{codename}",), schema=list[str])
    tagged(Group, "allowed:{permissions__codename}")
    get = reader(policy, lambda codename: sorted(groups(database).values_list("name", flat=True)))
    assert get("x") == []
    old_group.objects.using(database).create(name="old")
    assert get("x") == ["old"]
    old_group.objects.using(database).update(name="new")
    assert get("x") == ["new"]
    old_group.objects.using(database).all().delete()
    assert get("x") == []


# Many rows


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """A write may name this many rows, and looks at two a time."""
    for module in (rows, tracking):
        monkeypatch.setattr(module, "MOST_ROWS", 3)
    monkeypatch.setattr(rows, "PAGE", 2)
    return 3


MANY: dict[str, Callable[[Any, int], object]] = {
    "update": lambda groups, count: groups.filter(name__startswith="g").update(name=Concat(F("name"), Value("x"))),
    "update through a join": lambda groups, count: groups.filter(
        name__startswith="g", permissions__codename=None
    ).update(name=Concat(F("name"), Value("x"))),
    "delete": lambda groups, count: groups.filter(name__startswith="g")._raw_delete(groups.db),
    "delete through a join": lambda groups, count: groups.filter(
        name__startswith="g", permissions__codename=None
    )._raw_delete(groups.db),
    "insert": lambda groups, count: groups.bulk_create([Group(name=f"g{number}x") for number in range(count)]),
}


@pytest.mark.parametrize("kind", MANY)
@pytest.mark.parametrize("too_many", [False, True])
def test_rows_are_named_up_to_a_number(by_name: Any, database: str, few: int, kind: str, too_many: bool) -> None:
    """That many leave the other entries of the policy; one more supersedes them all, and changes all the same."""
    count = few + too_many
    old, new = [f"g{number}" for number in range(count)], [f"g{number}x" for number in range(count)]
    groups(database).bulk_create([Group(name=name) for name in ("other", *old)])
    if kind == "insert":
        groups(database).exclude(name="other").delete()
    for name in ("other", *old, *new):
        by_name(name)
    MANY[kind](groups(database), count)
    assert by_name.cached("other") is not too_many
    assert [by_name(name) for name in old] == [None] * count
    assert [by_name(name) is None for name in new] == ["delete" in kind] * count


def test_tags_by_a_path_are_read_in_pages(declare: Any, tagged: Any, database: str, few: int) -> None:
    """Every row's, also those of the last page."""
    policy = declare(name="test.kinds", params={"id": int}, tags=("kindof:{id}",), schema=int)
    tagged(Group.permissions.through, "kindof:{permission__content_type_id}")
    through = Group.permissions.through
    group = groups(database).create(name="g")
    kinds = list(ContentType.objects.db_manager(database).order_by("pk").values_list("pk", flat=True)[: few + 1])
    get = reader(policy, lambda id: through.objects.using(database).filter(permission__content_type=id).count())
    chosen = [Permission.objects.using(database).filter(content_type=kind).earliest("pk") for kind in kinds]
    assert [get(kind) for kind in kinds] == [0] * len(kinds)
    through.objects.using(database).bulk_create([through(group=group, permission=it) for it in chosen[:few]])
    assert [get(kind) for kind in kinds] == [1] * few + [0]
    assert get.cached(kinds[-1])  # type: ignore[attr-defined]
    group.permissions.clear()
    assert [get(kind) for kind in kinds] == [0] * len(kinds)
    assert get.cached(kinds[-1])  # type: ignore[attr-defined]


def test_many_tags_are_held_in_pages(by_name: Any, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them before the COMMIT, whatever fits into one call."""
    monkeypatch.setattr(redis, "TAGS_A_CALL", 2)
    names = [f"g{number}" for number in range(5)]
    assert [by_name(name) for name in names] == [None] * 5
    seen: list[bool] = []
    real = Write.commit

    def commit(write: Write) -> None:
        seen.extend(result(in_thread(closing(database, lambda: [by_name.cached(name) for name in names]))))
        real(write)

    with mock.patch.object(Write, "commit", commit):
        groups(database).bulk_create([Group(name=name) for name in names])
    assert seen == [False] * 5
    assert None not in [by_name(name) for name in names]
