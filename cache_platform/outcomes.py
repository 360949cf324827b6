"""What an error of COMMIT says about its outcome."""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db import Error

DEFINITE_IN_SQLITE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CONSTRAINT,
}
UNKNOWN_CLASSES = ("08", "57")
"""SQLSTATE classes of connections that break and servers that are shut down, which may happen after the COMMIT."""
UNKNOWN_CODES = {"40003"}
"""statement_completion_unknown (PostgreSQL, appendix A)."""
ENDED_BEFORE = {"25P03", "25P04"}
"""idle_in_transaction_session_timeout, transaction_timeout: the connection is gone, and the transaction was before."""


def certainly_failed(connection: Any, error: BaseException) -> bool:
    """Whether a COMMIT on `connection` that raised `error` certainly did not happen.

    True only when the server itself refused it over a connection that still lives. A lost connection, a timeout and
    an interrupt leave it unknown.
    """
    if not isinstance(error, Error):
        return False
    cause = error.__cause__
    if connection.vendor == "sqlite":
        code = getattr(cause, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in DEFINITE_IN_SQLITE
    state = getattr(cause, "sqlstate", None)
    if state in ENDED_BEFORE:
        return True
    if state is None or state in UNKNOWN_CODES or state.startswith(UNKNOWN_CLASSES):
        return False
    raw = connection.connection
    return raw is not None and not getattr(raw, "closed", True)
