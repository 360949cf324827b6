"""What an error of COMMIT says about its outcome: only a refusal over a living connection is certain."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError

from cache_platform.outcomes import certainly_failed


def postgres(*, closed: bool = False) -> Any:
    """A connection to PostgreSQL, alive or not."""
    return SimpleNamespace(vendor="postgresql", connection=SimpleNamespace(closed=closed))


def refused(state: str | None) -> DatabaseError:
    """What Django raises for an error with this SQLSTATE."""
    error = DatabaseError("refused")
    error.__cause__ = Exception("psycopg's own")
    if state is not None:
        error.__cause__.sqlstate = state  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("state", "certain"),
    [
        ("23503", True),  # foreign_key_violation, of a deferred constraint
        ("40001", True),  # serialization_failure
        ("40P01", True),  # deadlock_detected
        ("40003", False),  # statement_completion_unknown
        ("08006", False),  # connection_failure
        ("57014", False),  # query_canceled
        ("57P01", False),  # admin_shutdown
        (None, False),  # libpq itself lost the connection
    ],
)
def test_refusal_by_postgresql(state: str | None, certain: bool) -> None:
    """Over a living connection, by its SQLSTATE."""
    assert certainly_failed(postgres(), refused(state)) is certain


def test_refusal_over_a_connection_that_is_gone_is_unknown() -> None:
    """Closed, or not there at all: the error may be about something that came after the COMMIT."""
    assert not certainly_failed(postgres(closed=True), refused("23503"))
    assert not certainly_failed(SimpleNamespace(vendor="postgresql", connection=None), refused("23503"))


@pytest.mark.parametrize("state", ["25P03", "25P04"])
def test_transaction_that_a_timeout_ended_before_its_commit(state: str) -> None:
    """The connection is gone, but the transaction went first."""
    assert certainly_failed(postgres(closed=True), refused(state))


@pytest.mark.parametrize(
    ("code", "certain"),
    [
        (sqlite3.SQLITE_BUSY, True),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, True),  # an extended code, whose low byte is SQLITE_BUSY
        (sqlite3.SQLITE_LOCKED, True),
        (sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, True),
        (sqlite3.SQLITE_IOERR_FSYNC, False),  # may be on disk
        (sqlite3.SQLITE_FULL, False),
        (None, False),
    ],
)
def test_refusal_by_sqlite(code: int | None, certain: bool) -> None:
    """By its result code, extended or not."""
    error = OperationalError("refused")
    error.__cause__ = sqlite3.OperationalError("refused")
    if code is not None:
        error.__cause__.sqlite_errorcode = code
    connection = SimpleNamespace(vendor="sqlite", connection=object())
    assert certainly_failed(connection, error) is certain


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), RuntimeError("a signal's handler")])
@pytest.mark.parametrize("vendor", ["postgresql", "sqlite"])
def test_what_is_not_the_databases_word_is_unknown(error: BaseException, vendor: str) -> None:
    """An interrupt may come after the COMMIT was sent, even with a refusal as its cause."""
    error.__cause__ = refused("23503").__cause__
    error.__cause__.sqlite_errorcode = sqlite3.SQLITE_BUSY  # type: ignore[union-attr]
    connection = SimpleNamespace(vendor=vendor, connection=SimpleNamespace(closed=False))
    assert not certainly_failed(connection, error)


def test_error_without_a_cause_is_unknown() -> None:
    """As one that Django itself raises."""
    assert not certainly_failed(postgres(), IntegrityError("by itself"))
