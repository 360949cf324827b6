"""Which model changes touch which tags: one declaration per model."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.db.models.constants import LOOKUP_SEP

from cache_platform import keys
from cache_platform.exceptions import PolicyError
from cache_platform.policies import PLACEHOLDER, registry


@dataclass(frozen=True, slots=True)
class Declaration:
    """The tags that a row of `model` touches when it is inserted, changed or deleted.

    `fields` are the names in the templates, paths like `conversation__user_id` among them. An update that sets
    nothing but `ignoring` touches nothing.
    """

    model: type[Model]
    templates: tuple[str, ...]
    fields: tuple[str, ...]
    ignoring: frozenset[str]
    of_parent: bool = False
    """Stands for a table that `model` inherits from: which of its rows are `model`'s is not looked up, so a change of
    it supersedes what `wide` gives."""

    def tags(self, row: Mapping[str, Any]) -> Iterator[str]:
        """The tags of one row, from its values by field name. A tag whose field is NULL is nobody's."""
        for template in self.templates:
            names = PLACEHOLDER.findall(template)
            if any(row[name] is None for name in names):
                continue
            yield PLACEHOLDER.sub(lambda match: _part(match[1], row[match[1]]), template)

    def wide(self) -> Iterator[str]:
        """The tags that cover every row, for changes too many or too hidden to name: those of all policies that carry
        one of the tags."""
        for template in self.templates:
            literal = template.partition("{")[0]
            if literal == template:
                yield template
            else:
                yield from _policies_with(literal)

    def changed_by(self, fields: Iterable[Field[Any, Any]]) -> bool:
        """Whether an update that sets `fields` touches anything."""
        return any(field.name not in self.ignoring and field.attname not in self.ignoring for field in fields)


_declared: dict[str, list[Declaration]] = {}


def tags_of(model: type[Model], *templates: str, ignoring: Sequence[str] = ()) -> None:
    """Declare the tags that a change of a row of `model` touches, as in `tags_of(Profile, "user:{user_id}")`.

    The names in braces are fields of the model, `pk`, or paths to fields of other models (`{conversation__user_id}`).
    From then on every write through the ORM (save, delete, `QuerySet.update`, `bulk_*`, many-to-many changes, cascades,
    the admin) supersedes what is stored under the tags of the old and the new values, when its transaction commits.
    `ignoring` names fields whose update alone touches nothing, such as `last_login`.

    Raises PolicyError for what is not a tag; the system check cache_platform.E007 finds fields that do not exist.
    """
    if not templates:
        raise PolicyError(f"tags_of({model.__name__}) needs at least one tag")
    for template in templates:
        formatted = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
        if formatted != PLACEHOLDER.findall(template) or not keys.TAG.fullmatch(PLACEHOLDER.sub("0", template)):
            raise PolicyError(f"tags_of({model.__name__}): not a tag: {template!r}; write it as in user:{{user_id}}")
    names = dict.fromkeys(name for template in templates for name in PLACEHOLDER.findall(template))
    declaration = Declaration(model, templates, tuple(names), frozenset(ignoring))
    from cache_platform import tracking

    tracking.install()
    of_parent = replace(declaration, of_parent=True)
    tables = {model._meta.db_table: declaration} | {each._meta.db_table: of_parent for each in model._meta.all_parents}
    for table, each in tables.items():
        found = _declared.setdefault(table, [])
        if each not in found:
            found.append(each)


def declarations(table: str | None = None) -> list[Declaration]:
    """What is declared for a table; for all of them without one."""
    if table is not None:
        return _declared.get(table, [])
    return [declaration for found in _declared.values() for declaration in found]


def forget(model: type[Model], *templates: str) -> None:
    """Drop the declaration of these tags; for tests."""
    for found in _declared.values():
        found[:] = [each for each in found if each.model is not model or each.templates != templates]


def covering(tags: Iterable[str]) -> set[str]:
    """The policies' own tags that cover all of `tags`, for a transaction that changes too many to name."""
    found: set[str] = set()
    for start in {tag.partition(":")[0] for tag in tags}:
        found |= {start} | set(_policies_with(f"{start}:"))
    return found


def _policies_with(literal: str) -> Iterator[str]:
    """The tags of the policies that may carry a tag that begins so."""
    for policy in registry:
        starts = [tag.partition("{")[0] for tag in policy.tags]
        if any(start.startswith(literal) or literal.startswith(start) for start in starts):
            yield keys.policy_tag(policy.name)


def is_declared(tag: str) -> bool:
    """Whether an entry can be under the tag, or a template of it: a policy declares it, or is named by it.
    Templates are compared up to the first brace."""
    tags = {tag for policy in registry for tag in (keys.policy_tag(policy.name), *policy.tags)}
    if tag.partition("{")[0] in {each.partition("{")[0] for each in tags}:
        return True
    starts = tuple(each.partition("{")[0] for each in tags if "{" in each)
    return "{" not in tag and tag.startswith(starts)  # whatever follows may be a parameter's value


def unknown_fields(declaration: Declaration) -> list[str]:
    """The names in a declaration that are not fields of its model; for the system check."""
    ignored = [name for name in declaration.ignoring if not _is_path(declaration.model, name)]
    return [name for name in declaration.fields if not _is_path(declaration.model, name)] + ignored


def _is_path(model: type[Model], path: str) -> bool:
    current: Any = model
    for name in path.split(LOOKUP_SEP):
        if current is None:
            return False
        try:
            field = current._meta.pk if name == "pk" else current._meta.get_field(name)
        except FieldDoesNotExist:
            return False
        current = field.related_model
    return True


def local_field(model: type[Model], path: str) -> Field[Any, Any] | None:
    """The field of `model` itself that `path` names; None when it leads to another model."""
    if LOOKUP_SEP in path:
        return None
    field = model._meta.pk if path == "pk" else model._meta.get_field(path)
    return field if isinstance(field, Field) else None


def _part(name: str, value: object) -> str:
    """A value as a part of a tag, the same text that a policy's parameter of that value gives."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return keys.part(str.__str__(value))
    if isinstance(value, UUID):
        return keys.part(str(UUID(int=value.int)))
    if isinstance(value, date):  # a datetime too: as ISO 8601
        return keys.part(value.isoformat())
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return keys.part(keys.canonical(name, kind(value), kind))
    return keys.part(str(value))
