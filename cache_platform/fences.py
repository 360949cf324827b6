"""Fencing numbers: whoever has a lock later has the greater one, whatever Redis has lost; and the guard that goes by
them (Kleppmann, "How to do distributed locking", 2016)."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connections
from django.db.transaction import TransactionManagementError

from cache_platform.exceptions import LockLost

BOUNDED = (
    "set_config('idle_in_transaction_session_timeout', least(%s, 1000 * nullif(extract(epoch FROM"
    " current_setting('idle_in_transaction_session_timeout')::interval), 0))::int::text, true) IS NOT NULL"
)
"""For the rest of the transaction; a shorter one that is set stays."""


def next_number() -> tuple[int, bool]:
    """A number greater than all before it, and whether it stays taken when the caller's transaction rolls back, as it
    does on PostgreSQL. One query. Raises django.db.Error."""
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval('cache_platform_fence')")
            return int(cursor.fetchone()[0]), True
        if connection.vendor != "sqlite":
            raise NotSupportedError(f"fencing numbers are not made on {connection.vendor}")
        # AUTOINCREMENT remembers the greatest number in a table of its own; the rows are not needed.
        cursor.execute("INSERT INTO cache_platform_fence DEFAULT VALUES")
        number = cursor.lastrowid
        cursor.execute("DELETE FROM cache_platform_fence WHERE number < %s", [number])
        return int(number or 0), not connection.in_atomic_block


def guard(lock: str, number: int, *, using: str, idle: float) -> None:
    """Let the transaction on `using` write for the holder with `number`, and nobody with a smaller one ever after.

    One statement; its row is held until COMMIT, so whoever comes later waits for that, and PostgreSQL ends the
    transaction when it has heard nothing for `idle` seconds (one at least). Raises LockLost when a greater number was
    here, TransactionManagementError outside a transaction.
    """
    connection = connections[using]
    if not connection.in_atomic_block:
        raise TransactionManagementError("a lock guards a transaction: call guard() inside atomic()")
    bounded = BOUNDED if connection.vendor == "postgresql" else "%s > 0"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO cache_platform_lock_fence (name, number) SELECT %s, %s WHERE {bounded}"
            " ON CONFLICT (name) DO UPDATE SET number = EXCLUDED.number"
            " WHERE cache_platform_lock_fence.number <= EXCLUDED.number",
            [lock, number, max(1000, round(idle * 1000))],
        )
        if cursor.rowcount != 1:
            raise LockLost(lock, f"somebody with a greater number than {number} has written already")
