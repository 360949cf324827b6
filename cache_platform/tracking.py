"""Every write of the ORM, seen where its SQL is made: the compilers of INSERT, UPDATE and DELETE.

Signals are sent for some writes only (not for `QuerySet.update`, `bulk_create`, cascades that set NULL), managers can
be gone around (`_base_manager`), but each write of the ORM passes one of three methods of Django's SQL compilers. They
are wrapped once, when the first model is declared; a write to a table without a declaration costs one dictionary
lookup more. A declared one runs in a transaction, so that there is a COMMIT to hold its tags before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import transaction
from django.db.models import Field
from django.db.models.constants import OnConflict
from django.db.models.sql.compiler import SQLCompiler, SQLDeleteCompiler, SQLInsertCompiler, SQLUpdateCompiler
from django.db.models.sql.constants import ROW_COUNT

from cache_platform import transactions
from cache_platform.invalidation import Declaration, declarations, local_field
from cache_platform.rows import MOST_ROWS, Rows

T = TypeVar("T")
_installed = False


def install() -> None:
    """Wrap the compilers. Asking twice is asking once."""
    global _installed
    if _installed:
        return
    _installed = True
    _wrap(SQLUpdateCompiler, _update)
    _wrap(SQLDeleteCompiler, _delete)
    _wrap(SQLInsertCompiler, _insert)


def _wrap(compiler: type[SQLCompiler], write: Callable[..., Any]) -> None:
    original = compiler.execute_sql

    @wraps(original)
    def execute_sql(self: Any, *args: Any, **kwargs: Any) -> Any:
        declared = declarations(self.query.get_meta().db_table)
        if not declared:
            return original(self, *args, **kwargs)
        named = [each for each in declared if not each.of_parent]
        with _in_transaction(self.connection):
            if len(named) < len(declared):
                transactions.collect(self.connection, _wide([each for each in declared if each.of_parent]))
            if not named:
                return original(self, *args, **kwargs)
            return write(self, named, lambda *changed: original(self, *(changed or args), **kwargs))

    compiler.execute_sql = execute_sql  # type: ignore[method-assign]


def _in_transaction(connection: Any) -> AbstractContextManager[object]:
    """A transaction, unless there is one already."""
    if connection.in_atomic_block or not connection.get_autocommit():
        return nullcontext()
    block: AbstractContextManager[object] = transaction.atomic(using=connection.alias)
    return block


def _update(compiler: Any, declared: Sequence[Declaration], execute: Callable[..., T]) -> T:
    changed: list[Field[Any, Any]] = [field for field, _, _ in compiler.query.values]
    touched = [declaration for declaration in declared if declaration.changed_by(changed)]
    if not touched:
        return execute()
    with _in_transaction(compiler.connection):
        rows = _before(compiler, touched)
        count: Any = execute(ROW_COUNT)
        _check_count(compiler, touched, rows, count)
        if rows is not None and any(_is_set(declaration, changed) for declaration in touched):
            transactions.collect(compiler.connection, _after(compiler.query, rows, touched))
    return count  # type: ignore[no-any-return]  # what Django returns for ROW_COUNT


def _after(query: Any, rows: Rows, touched: Sequence[Declaration]) -> Iterable[str]:
    """The tags of the rows as an UPDATE left them, also when it gave one another primary key."""
    key = next((value for field, _, value in query.values if field.primary_key), None)
    if key is None:
        return rows.again().tags(touched)
    return _wide(touched) if hasattr(key, "resolve_expression") else rows.of([key]).tags(touched)


def _is_set(declaration: Declaration, changed: Iterable[Field[Any, Any]]) -> bool:
    """Whether one of the tags' fields is among those that an update sets."""
    names = {name for field in changed for name in (field.name, field.attname)}
    names |= {"pk"} if any(field.primary_key for field in changed) else set()
    return any(
        path.partition("__")[0] in names or getattr(local_field(declaration.model, path), "generated", False)
        for path in declaration.fields
    )


def _delete(compiler: Any, declared: Sequence[Declaration], execute: Callable[..., T]) -> T:
    with _in_transaction(compiler.connection):
        rows = _before(compiler, declared)
        count = execute()
        _check_count(compiler, declared, rows, count)
    return count


def _before(compiler: Any, declared: Sequence[Declaration]) -> Rows | None:
    """The rows that a write is about to change, locked, their tags collected; None when they are too many or of
    another shape, and then all tags that cover them are collected."""
    try:
        rows = Rows.to_be_changed(compiler.query, compiler.connection, declared)
    except (FieldError, FieldDoesNotExist):  # a historical model of a migration, which lacks a field
        rows = None
    transactions.collect(compiler.connection, _wide(declared) if rows is None else rows.tags(declared))
    return rows


def _check_count(compiler: Any, declared: Sequence[Declaration], rows: Rows | None, count: object) -> None:
    """A row that came to match between the look and the write was changed without being seen."""
    if rows is not None and isinstance(count, int) and count > len(rows):
        transactions.collect(compiler.connection, _wide(declared))


def _insert(compiler: Any, declared: Sequence[Declaration], execute: Callable[..., T]) -> T:
    with _in_transaction(compiler.connection):
        returned = execute()
        tags = _tags_of_inserted(compiler, declared, returned)
        transactions.collect(compiler.connection, tags)
    return returned


def _tags_of_inserted(compiler: Any, declared: Sequence[Declaration], returned: Any) -> Iterable[str]:
    query = compiler.query
    if len(query.objs) > MOST_ROWS or not _nameable(query, declared):
        return _wide(declared)
    try:
        rows = Rows.inserted(query, compiler.connection, declared, returned, compiler.returning_fields)
    except (FieldError, FieldDoesNotExist):
        rows = None
    return _wide(declared) if rows is None else rows.tags(declared)


def _nameable(query: Any, declared: Sequence[Declaration]) -> bool:
    """Whether the rows that an INSERT with ON CONFLICT DO UPDATE changes can be told from its objects: when the fields
    of the tags are those by which it finds them."""
    if query.on_conflict != OnConflict.UPDATE:
        return True
    unique = {query.get_meta().get_field(_name_of(field)) for field in query.unique_fields or ()}
    return all(
        local_field(declaration.model, path) in unique for declaration in declared for path in declaration.fields
    )


def _name_of(field: Any) -> str:
    return str(getattr(field, "name", field))


def _wide(declared: Sequence[Declaration]) -> list[str]:
    return [tag for declaration in declared for tag in declaration.wide()]
