"""Declarations of tags: which tags a row touches, which an update, and which cover every row."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db.models import IntegerChoices, TextChoices
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import User
from cache_platform import CachePolicy, PolicyError, keys, tags_of
from cache_platform.invalidation import Declaration, declarations, forget


class Color(TextChoices):
    """A value whose type is a subclass of str."""

    RED = "red"


class Level(IntegerChoices):
    """A value whose type is a subclass of int."""

    HIGH = 3


def declared(*templates: str, fields: tuple[str, ...], ignoring: tuple[str, ...] = ()) -> Declaration:
    """A declaration of these templates for users."""
    return Declaration(User, templates, fields, frozenset(ignoring))


def tag_key_of(policy: CachePolicy[Any], value: object) -> str:
    """The key of a policy's one tag for an entry with this parameter."""
    return policy.address({"value": value}).tag_keys[-1]


def same(kind: type, value: object, *, given: object = None) -> None:
    """A row with this value (or one `given` by a model's field) touches the tag of a parameter with this value."""
    policy = CachePolicy(name="test.part", schema=int, ttl=60, params={"value": kind}, tags=("thing:{value}",))
    row = {"value": value if given is None else given}
    (tag,) = declared("thing:{value}", fields=("value",)).tags(row)
    assert keys.tag_key(tag) == tag_key_of(policy, value)


@given(st.text(max_size=6))
@example("a b")
@example("50%")
@example("{x}")
@example("a:b,c=d/e*[f]?")
@example("a%2Fb")
def test_any_text_is_the_same_part_in_a_row_and_in_a_parameter(text: str) -> None:
    """Quoted in both, so that no value reaches into another part of the tag."""
    if text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text):
        same(str, text)


@given(st.one_of(st.integers(), st.integers(min_value=-5, max_value=5)))
def test_any_whole_number_is_the_same_part(number: int) -> None:
    """Negative ones too."""
    same(int, number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_is_the_same_part(number: float) -> None:
    """Also -0.0, and those with exponents."""
    same(float, number)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(bool, True), (bool, False), (uuid.UUID, uuid.UUID(int=7)), (date, date(2026, 2, 3))],
)
def test_other_parameters_are_the_same_part(kind: type, value: object) -> None:
    """True is not 1, and a date is as in ISO 8601."""
    same(kind, value)


def test_choices_are_the_values_that_they_stand_for() -> None:
    """An object that was given a member of an enumeration has it still when it is saved."""
    same(str, "red", given=Color.RED)
    same(int, 3, given=Level.HIGH)


@pytest.mark.parametrize("value", [Decimal("1.5"), timedelta(days=1, seconds=5), b"a b", ["a", {"b": 1}]])
def test_value_that_no_parameter_can_have_is_still_one_part_of_a_tag(value: object) -> None:
    """A field may be of any type."""
    (tag,) = declared("thing:{value}", fields=("value",)).tags({"value": value})
    assert keys.is_tag(tag)
    assert tag.count(":") == 1


def test_tag_whose_field_is_null_is_nobodys_and_the_others_stay() -> None:
    """Whatever their order, and also when only one of two fields is NULL."""
    row = {"a": None, "b": 2, "c": 3}
    declaration = declared("a:{a}", "ab:{a}:{b}", "b:{b}", "bc:{b}:{c}", fields=("a", "b", "c"))
    assert list(declaration.tags(row)) == ["b:2", "bc:2:3"]


def test_tag_without_fields_is_every_rows() -> None:
    """And NULL elsewhere does not concern it."""
    assert list(declared("users", "user:{a}", fields=("a",)).tags({"a": None})) == ["users"]


def test_what_covers_every_row(declare: Callable[..., Any]) -> None:
    """The tag itself where it has no fields; else each policy that carries the tag, at whatever place."""
    declare(name="test.first", params={"id": int}, tags=("thing:{id}", "other:{id}"))
    declare(name="test.second", params={"id": int}, tags=("other:{id}", "thing:{id}"))
    declare(name="test.third", params={"id": int}, tags=("things:{id}", "another:{id}"))
    declaration = declared("all_things", "thing:{pk}", fields=("pk",))
    assert list(declaration.wide()) == ["all_things", "policy:test.first", "policy:test.second"]


@pytest.mark.parametrize(
    ("changed", "touches"),
    [
        (["last_login"], False),
        (["first_name"], True),
        (["last_login", "first_name"], True),
        ([], False),
    ],
)
def test_update_touches_unless_all_that_it_sets_is_ignored(changed: list[str], touches: bool) -> None:
    """One field that counts is enough."""
    declaration = declared("user:{pk}", fields=("pk",), ignoring=("last_login",))
    assert declaration.changed_by([User._meta.get_field(name) for name in changed]) is touches


@pytest.mark.parametrize("name", ["content_type", "content_type_id"])
def test_ignored_foreign_key_by_either_name(name: str) -> None:
    """`content_type` and `content_type_id` are one field."""
    declaration = Declaration(Permission, ("permission:{pk}",), ("pk",), frozenset({name}))
    assert not declaration.changed_by([Permission._meta.get_field("content_type")])


@pytest.fixture
def clean() -> Iterator[None]:
    """What a test declares for groups is gone after it."""
    before = list(declarations(Group._meta.db_table))
    yield
    declarations(Group._meta.db_table)[:] = before


@pytest.mark.usefixtures("clean")
def test_several_declarations_of_one_model_stand_beside_each_other() -> None:
    """Each app may have its own, and the same one twice is one."""
    before = list(declarations(Group._meta.db_table))
    tags_of(Group, "one:{pk}")
    tags_of(Group, "two:{name}", ignoring=("name",))
    tags_of(Group, "one:{pk}")
    added = declarations(Group._meta.db_table)[len(before) :]
    assert [(it.templates, it.fields) for it in added] == [(("one:{pk}",), ("pk",)), (("two:{name}",), ("name",))]
    forget(Group, "one:{pk}")
    assert [it.templates for it in declarations(Group._meta.db_table)[len(before) :]] == [("two:{name}",)]


@pytest.mark.parametrize("template", ["User:{pk}", "user {pk}", "user:{}", "user:{pk!r}", "user:{a.b}", ""])
def test_what_is_no_tag_is_refused(template: str) -> None:
    """When it is declared, not at the first write."""
    before = list(declarations(Group._meta.db_table))
    with pytest.raises(PolicyError):
        tags_of(Group, template)
    assert declarations(Group._meta.db_table) == before
