"""What a load was made of: whether its value may be stored (read path, step 8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from cache_platform import transactions
from cache_platform.reads import Read


@dataclass(slots=True)
class Inputs:
    """Set by reads that happen inside a load."""

    tainted: bool = False


_current: ContextVar[Inputs | None] = ContextVar("cache_platform_inputs", default=None)


@contextmanager
def observed() -> Iterator[Inputs]:
    """Watch the reads of a load; afterwards `tainted` says that one of them may have been old."""
    inputs = Inputs()
    token = _current.set(inputs)
    try:
        yield inputs
    finally:
        _current.reset(token)
        around = _current.get()
        if around is not None and inputs.tainted:
            around.tainted = True


def note(read: Read[Any], *, relaxed: bool) -> None:
    """Tell the load around this read, if there is one, that its input was stale, local or relaxed."""
    inputs = _current.get()
    if inputs is not None and (relaxed or read.source in {"stale", "local"}):
        inputs.tainted = True


def in_load() -> bool:
    """True inside a load."""
    return _current.get() is not None


def taint() -> None:
    """Tell the load around this, if there is one, that its input was itself made of something old."""
    inputs = _current.get()
    if inputs is not None:
        inputs.tainted = True


def in_transaction() -> bool:
    """True inside a transaction on any database."""
    return bool(transactions.open_connections())


def may_be_kept_in_transaction() -> bool:
    """Whether what is read in the open transactions is what everybody reads: READ COMMITTED, where each statement sees
    what is committed by then, and nothing written yet. Costs a query; other databases than PostgreSQL are not asked.
    """
    return all(_sees_what_all_see(connection) for connection in transactions.open_connections())


def _sees_what_all_see(connection: Any) -> bool:  # noqa: ANN401  # a connection of any database
    if connection.vendor != "postgresql" or connection.needs_rollback:
        return False
    with connection.cursor() as cursor:
        # A transaction gets its id with its first write, by raw SQL too.
        cursor.execute("SELECT current_setting('transaction_isolation'), pg_current_xact_id_if_assigned() IS NULL")
        row: tuple[str, bool] = cursor.fetchone()
    return row == ("read committed", True)
