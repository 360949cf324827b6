"""Locks in the database, for while Redis is away.

PostgreSQL: an advisory lock of a session, on a connection of its own: the caller's may be in a transaction or belong to
a pool. The server ends that session when it was idle for the lock's timeout, so a holder that is stopped or cut off
keeps nobody out for longer, as in Redis. SQLite: a row with a deadline.
"""

from __future__ import annotations

import hashlib
import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, connections

from cache_platform.conf import conf
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores.lock_store import LockStore

CONNECT_TIMEOUT = 2
STATEMENT_TIMEOUT_MS = 1000
"""By the server's clock; one that hangs does not keep it."""
ANSWER_TIMEOUT = 2.0
"""Seconds after which an attempt goes on without an answer. A renewal may take longer: its thread keeps nobody waiting,
and the lock may be there still."""
MOST_SESSIONS = 8
"""Connections that one process has for locks, held ones and attempts together: the server has few, and the site needs
them."""
PLACE_PATIENCE = 0.2
"""Seconds that an attempt waits for others of its process to be over."""
NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
"""Milliseconds since 1970 by SQLite's clock, which is that of the one machine."""
KEPT_MS = 60_000
"""For how long SQLite keeps the row of a holder that died."""


@dataclass(frozen=True, slots=True)
class _Session:
    """A connection of the driver's, and the server's process behind it."""

    connection: Any
    process: int


class PostgresLocks:
    """Advisory locks in the PostgreSQL behind `using`; one connection for each holder. See LockStore.

    The driver's connection, since Django's would connect again by itself, without the lock.
    """

    name = "postgresql"

    def __init__(self, using: str) -> None:
        self._using = using
        self._sessions: dict[str, _Session] = {}
        """By owner. A forked child has copies, which nobody there knows the owners of; the driver leaves them alone."""

    def acquire(self, lock: str, owner: str, timeout: float, *, queue: bool = False) -> int:  # noqa: ARG002
        """See LockStore; there is no queue, and whoever waits has no connection between two attempts."""
        try:
            session = self._sessions.get(owner) or self._open(owner, timeout)
            with _cut_off(session.connection):
                had, process = _asked(session, "SELECT pg_try_advisory_lock(%s), pg_backend_pid()", number_of(lock))
            if process != session.process:
                raise StoreUnavailable("postgresql: a pooler gives this session to others, with its locks")
        except self._failure as error:
            self._close(owner)
            raise StoreUnavailable(f"postgresql: {error}") from error
        except BaseException:
            self._close(owner)
            raise
        if not had:
            self._close(owner)
        return 0 if had else 1

    def renew(self, lock: str, owner: str, timeout: float) -> bool:  # noqa: ARG002  # LockStore's
        """See LockStore: it is there as long as its session answers."""
        session = self._sessions.get(owner)
        if session is None:
            return False
        try:
            [process] = _asked(session, "SELECT pg_backend_pid()")
        except self._failure:
            process = 0
        if process != session.process:
            self._close(owner)
        return bool(process == session.process)

    def release(self, lock: str, owner: str) -> bool:  # noqa: ARG002  # LockStore's
        """See LockStore."""
        session = self._sessions.get(owner)
        had = session is not None and not _has_ended(session.connection)
        self._close(owner)
        return had

    @property
    def _failure(self) -> type[Exception]:
        django: Any = connections[self._using]
        return django.Database.Error  # type: ignore[no-any-return]  # the driver's

    def _open(self, owner: str, timeout: float) -> _Session:
        """A session that the server ends when it has heard nothing of it for `timeout` seconds."""
        if not _places.acquire(timeout=PLACE_PATIENCE):
            raise StoreUnavailable(f"this process asks postgresql for {MOST_SESSIONS} locks already")
        try:
            session = self._connect(timeout)
        except BaseException:
            _places.release()
            raise
        self._sessions[owner] = session
        return session

    def _connect(self, timeout: float) -> _Session:
        django: Any = connections[self._using]
        connection = django.Database.connect(**django.get_connection_params() | {"connect_timeout": CONNECT_TIMEOUT})
        try:
            connection.autocommit = True
            session = _Session(connection, 0)
            with _cut_off(connection):
                process, *_ = _asked(
                    session,
                    "SELECT pg_backend_pid(), set_config('statement_timeout', %s, false),"
                    " set_config('idle_session_timeout', %s, false)",
                    str(STATEMENT_TIMEOUT_MS),
                    str(max(1, round(timeout * 1000))),
                )
        except BaseException:
            connection.close()
            raise
        return _Session(connection, process)

    def _close(self, owner: str) -> None:
        session = self._sessions.pop(owner, None)
        if session is not None:
            with suppress(Exception):  # however it ends, it ends
                session.connection.close()
            _places.release()


class SqliteLocks:
    """Locks as rows of the SQLite behind `using`, each written in a transaction of its own. See LockStore."""

    name = "sqlite"

    def __init__(self, using: str) -> None:
        self._using = using

    def acquire(self, lock: str, owner: str, timeout: float, *, queue: bool = False) -> int:  # noqa: ARG002
        """See LockStore; there is no queue."""
        # One statement: it takes the database's write lock before it looks.
        taken = self._run(
            "INSERT INTO cache_platform_lock (name, owner, deadline)"  # noqa: S608  # NOW is ours
            f" VALUES (%s, %s, {NOW} + %s) ON CONFLICT (name) DO UPDATE"
            " SET owner = excluded.owner, deadline = excluded.deadline"
            f" WHERE cache_platform_lock.deadline <= {NOW} OR cache_platform_lock.owner = excluded.owner",
            [_row_name(lock), owner, round(timeout * 1000)],
        )
        return 0 if taken else 1

    def renew(self, lock: str, owner: str, timeout: float) -> bool:
        """See LockStore. Inside a transaction of the caller's nobody else can write; it is only looked at, then."""
        if connections[self._using].in_atomic_block:
            return self._is_held(lock, owner)
        return self._run(
            f"UPDATE cache_platform_lock SET deadline = {NOW} + %s"  # noqa: S608
            f" WHERE name = %s AND owner = %s AND deadline > {NOW}",
            [round(timeout * 1000), _row_name(lock), owner],
        )

    def release(self, lock: str, owner: str) -> bool:
        """See LockStore."""
        had = self._run(
            f"UPDATE cache_platform_lock SET deadline = 0 WHERE name = %s AND owner = %s AND deadline > {NOW}",  # noqa: S608
            [_row_name(lock), owner],
        )
        self._run(f"DELETE FROM cache_platform_lock WHERE deadline < {NOW} - %s", [KEPT_MS])  # noqa: S608
        return had

    def _is_held(self, lock: str, owner: str) -> bool:
        with connections[self._using].cursor() as cursor:
            cursor.execute(
                f"SELECT 1 FROM cache_platform_lock WHERE name = %s AND owner = %s AND deadline > {NOW}",  # noqa: S608
                [_row_name(lock), owner],
            )
            return cursor.fetchone() is not None

    def _run(self, statement: str, values: list[object]) -> bool:
        """Whether it changed a row. On a connection of its own: in the caller's transaction nobody would see it."""
        copy: Any = connections[self._using].copy()
        copy.settings_dict["AUTOCOMMIT"] = True
        copy.settings_dict["OPTIONS"]["timeout"] = STATEMENT_TIMEOUT_MS / 1000
        try:
            with copy.cursor() as cursor:
                cursor.execute(statement, values)
                return bool(cursor.rowcount > 0)
        except Error as error:
            raise StoreUnavailable(f"sqlite: {error}") from error
        finally:
            if copy.connection is not None:
                copy.connection.close()


_places = threading.Semaphore(MOST_SESSIONS)


def _after_fork() -> None:
    """The parent's sessions are none of the child's."""
    global _places
    _places = threading.Semaphore(MOST_SESSIONS)


os.register_at_fork(after_in_child=_after_fork)
_made: dict[str, LockStore | None] = {}
KINDS: dict[str, type[PostgresLocks | SqliteLocks]] = {"postgresql": PostgresLocks, "sqlite": SqliteLocks}


def get_database_locks(using: str = DEFAULT_DB_ALIAS) -> LockStore | None:
    """The locks of a database; None where it is of a kind that has none."""
    if using not in _made:
        kind = KINDS.get(connections[using].vendor)
        _made.setdefault(using, kind(using) if kind is not None else None)
    return _made[using]


def number_of(lock: str) -> int:
    """The advisory lock's number: 64 bits of a hash."""
    digest = hashlib.blake2b(_row_name(lock).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _asked(session: _Session, statement: str, *values: object) -> Any:  # noqa: ANN401  # a row
    with session.connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


@contextmanager
def _cut_off(connection: Any) -> Iterator[None]:  # noqa: ANN401  # the driver's
    """Have the driver fail inside the block where the server has not answered in time: it has no timeout of its own."""

    def cut() -> None:
        with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(ANSWER_TIMEOUT, cut)
    timer.daemon = True
    with suppress(RuntimeError):  # no more threads: then without
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _has_ended(session: Any) -> bool:  # noqa: ANN401  # the driver's connection
    """Whether the server has ended a session, without asking it, since it may hang: only its end comes unasked."""
    if session.closed:
        return True
    poll = select.poll()
    poll.register(session.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _row_name(lock: str) -> str:
    return f"{conf.prefix}:{lock}"
