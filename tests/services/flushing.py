"""What is in an empty database: content types and permissions.

Django empties the database after each test that commits, and has all apps make theirs again, one by one, which was half
of what such tests cost. They are the same each time: here they are put back as they were made the first time.
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.core.management.sql import emit_post_migrate_signal
from django.db import connections, transaction

Rows = list[tuple[Any, ...]]
_made: dict[tuple[str, str], dict[str, Rows]] = {}


def use_quick_flush() -> None:
    """From now on, for this process."""
    flush.emit_post_migrate_signal = _make  # type: ignore[attr-defined]  # it is imported there


def _make(verbosity: int, interactive: bool, db: str, **kwargs: Any) -> None:
    database = (db, str(connections[db].settings_dict["NAME"]))
    if database not in _made:
        emit_post_migrate_signal(verbosity, interactive, db, **kwargs)
        _made[database] = {table: rows for table in _tables(db) if (rows := _rows(db, table))}
        return
    with transaction.atomic(using=db), connections[db].constraint_checks_disabled():
        for table, rows in _made[database].items():
            _put_back(db, table, rows)


def _tables(db: str) -> list[str]:
    """Those that are emptied, which the tables of the migrations are not."""
    return connections[db].introspection.django_table_names(only_existing=True, include_views=False)


def _rows(db: str, table: str) -> Rows:
    with connections[db].cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connections[db].ops.quote_name(table)}")
        return list(cursor.fetchall())


def _put_back(db: str, table: str, rows: Rows) -> None:
    values = ", ".join(["%s"] * len(rows[0]))
    with connections[db].cursor() as cursor:
        cursor.executemany(f"INSERT INTO {connections[db].ops.quote_name(table)} VALUES ({values})", rows)
