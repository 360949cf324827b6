"""The rows that a write changes, as far as their tags need them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Lookup, Model, QuerySet
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.db.models.sql.query import Query
from django.db.models.sql.subqueries import UpdateQuery
from django.db.models.sql.where import WhereNode

from cache_platform.invalidation import Declaration, local_field

MOST_ROWS = 5000
"""A write that changes more rows supersedes whole policies instead of naming each row's tags."""
PAGE = 500
AS_GIVEN = {
    models.AutoField, models.BigAutoField, models.BigIntegerField, models.BooleanField, models.CharField,
    models.ForeignKey, models.IntegerField, models.OneToOneField, models.PositiveIntegerField, models.SlugField,
    models.SmallIntegerField, models.TextField, models.UUIDField,
}  # fmt: skip
"""Fields whose value in the database is the one that the object has; others are read back after an INSERT."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a model, by the values of the fields that tags name."""

    model: type[Model]
    using: str
    names: tuple[str, ...]
    values: Sequence[Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.values)

    def tags(self, declared: Sequence[Declaration]) -> Iterator[str]:
        """The tags of all rows."""
        for row in self.values:
            for declaration in declared:
                yield from declaration.tags(row)

    def again(self) -> Rows:
        """The same rows as they are now."""
        found = _values(self.model, self.using, [row["pk"] for row in self.values], self.names)
        return Rows(self.model, self.using, self.names, found)

    @classmethod
    def to_be_changed(cls, query: Any, connection: Any, declared: Sequence[Declaration]) -> Rows | None:
        """The rows that `query` (an UPDATE or DELETE) will change; None when they are more than MOST_ROWS.

        They are locked where the database can, so that nobody moves them to another tag before this transaction ends.
        """
        model, names = query.model, _names(declared)
        key = _only_key(query)
        if key is not None and all(_is_key(model, name) for name in names):
            return cls(model, connection.alias, names, [dict.fromkeys((*names, "pk"), key)])
        local = ["pk", *(name for name in names if local_field(model, name) is not None)]
        # As the UPDATE itself would: FOR UPDATE would keep others from inserting rows that refer to these.
        no_key = isinstance(query, UpdateQuery) and connection.features.has_select_for_no_key_update
        if _simple(query):
            found = _select(query, connection, local, lock=True, no_key=no_key)
        else:
            keys = _select(query, connection, ["pk"], lock=False)
            if len(keys) > MOST_ROWS:
                return None
            query.add_filter("pk__in", [row["pk"] for row in keys])  # what comes to match from now on is not changed
            found = _lock(model, connection, [row["pk"] for row in keys], local, no_key=no_key)
        if len(found) > MOST_ROWS:
            return None
        if len(local) <= len(names):
            found = _values(model, connection.alias, [row["pk"] for row in found], names)
        return cls(model, connection.alias, names, found)

    @classmethod
    def inserted(
        cls, query: Any, connection: Any, declared: Sequence[Declaration], returned: Any, returning: Any
    ) -> Rows | None:
        """The rows that an INSERT made; None when a field is known to the database alone."""
        model, names = query.model, _names(declared)
        keys = _keys_of(query, returned, returning)
        fields = {name: local_field(model, name) for name in names}
        found: list[dict[str, Any]] = []
        for obj, key in zip(query.objs, keys, strict=True):
            row: dict[str, Any] = {"pk": key}
            for name, field in fields.items():
                if field is not None and not field.primary_key and type(field) not in AS_GIVEN:
                    field = None
                value = None if field is None else key if field.primary_key else getattr(obj, field.attname)
                if hasattr(value, "resolve_expression"):  # an expression, whose value the database makes
                    field = None
                row[name] = value if field is None or value is None else field.to_python(value)
                if field is None or (field.primary_key and key is None):
                    return None if None in keys else cls(model, connection.alias, names, []).of(keys)
            found.append(row)
        return cls(model, connection.alias, names, found)

    def of(self, keys: Sequence[Any]) -> Rows:
        """The rows with these primary keys, as they are now."""
        return Rows(self.model, self.using, self.names, _values(self.model, self.using, keys, self.names))


def _names(declared: Sequence[Declaration]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for declaration in declared for name in declaration.fields))


def _is_key(model: type[Model], name: str) -> bool:
    field = local_field(model, name)
    return field is not None and field.primary_key


def _only_key(query: Any) -> Any:  # a primary key
    """The primary key, when the query's WHERE is nothing but that it equals a constant."""
    where = query.where
    if where.negated or len(where.children) != 1 or not isinstance(where.children[0], Exact):
        return None
    lookup = where.children[0]
    target = getattr(lookup.lhs, "target", None)
    if target is None or not target.primary_key or hasattr(lookup.rhs, "resolve_expression"):
        return None
    return None if target.model._meta.concrete_model is not query.model._meta.concrete_model else lookup.rhs


def _simple(query: Any) -> bool:
    """Whether the rows can be locked by the SELECT that finds them."""
    query.get_initial_alias()
    one_table = query.count_active_tables() == 1 and query.group_by is None and not query.distinct
    return one_table and not query.extra and _is_plain(query.where)


def _is_plain(node: Any) -> bool:
    """Whether a condition is about the row's own columns and constants: then a row that is locked goes on matching.
    One that asks other rows (a subquery) may cease to, and another row come in its place."""
    if isinstance(node, WhereNode):
        return all(_is_plain(child) for child in node.children)
    if not isinstance(node, Lookup):
        return False
    sides = (node.lhs, node.rhs)
    return isinstance(node.lhs, Col) and not any(hasattr(side, "resolve_expression") for side in sides[1:])


def _select(
    query: Any, connection: Any, names: Sequence[str], *, lock: bool, no_key: bool = False
) -> list[dict[str, Any]]:
    """At most MOST_ROWS + 1 of the rows that `query` matches."""
    select = query.chain(klass=Query)
    select.select_related = False
    select.clear_ordering(force=True)
    select.extra = {}
    select.clear_select_clause()
    select.add_fields([_resolved(query.model, name) for name in names])
    select.set_limits(high=MOST_ROWS + 1)
    select.select_for_update, select.select_for_no_key_update = lock, no_key
    # The queryset's own wishes are for its own reads: its UPDATE waits.
    select.select_for_update_nowait = select.select_for_update_skip_locked = False
    select.select_for_update_of = ()
    rows = select.get_compiler(connection=connection).results_iter(tuple_expected=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _lock(
    model: type[Model], connection: Any, keys: Sequence[Any], names: Sequence[str], *, no_key: bool
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for start in range(0, len(keys), PAGE):
        queryset: QuerySet[Model] = (
            QuerySet(model, using=connection.alias).filter(pk__in=keys[start : start + PAGE]).order_by()
        )
        found.extend(queryset.select_for_update(no_key=no_key).values(*names))
    return found


def _values(model: type[Model], using: str, keys: Sequence[Any], names: Sequence[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for start in range(0, len(keys), PAGE):
        queryset: QuerySet[Model] = QuerySet(model, using=using).filter(pk__in=keys[start : start + PAGE]).order_by()
        found.extend(queryset.values(*dict.fromkeys(("pk", *names))))
    return found


def _resolved(model: type[Model], name: str) -> str:
    field = local_field(model, name)
    return name if field is None else field.attname


def _keys_of(query: Any, returned: Any, returning: Any) -> list[Any]:
    """The primary keys of an INSERT's objects: what the database answered, or their own."""
    pk = query.get_meta().pk
    own = [getattr(obj, pk.attname) for obj in query.objs]
    rows = list(returned or ())
    if len(rows) != len(own):
        return own
    place = next((index for index, field in enumerate(returning or ()) if field is pk), None)
    found = own if place is None else [row[place] for row in rows]
    return [None if hasattr(key, "resolve_expression") else key for key in found]
