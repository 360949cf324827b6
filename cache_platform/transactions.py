"""The tags that a transaction changes, and what happens around its COMMIT (write path, steps 1 to 4).

The tags stand on the database connection, in a set that savepoints never shrink. Just before the outermost COMMIT a
hold is placed on all of them; right after it, before any other `on_commit` work, they get new generations.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Literal

from django.db import connections

from cache_platform import access_log, ahead, keys, outbox
from cache_platform.conf import conf
from cache_platform.exceptions import StoreUnavailable
from cache_platform.invalidation import covering
from cache_platform.outcomes import certainly_failed
from cache_platform.stores import drain_before_closing, forget_locally, get_store, keep_until_lookup
from cache_platform.stores.base import new_token

logger = logging.getLogger(__name__)

WAIT = 1.0
"""Seconds for which a write waits whose tags could not be bumped, from the moment that the outbox has them. Nobody
believes the store by then without having drained them (see stores/trust.py)."""
PATIENCE_SHARE = 0.5
"""The share of a hold's time within which the COMMIT has to begin; on PostgreSQL 17 and later the server sees to it."""

MOST_TAGS = 5000
"""A transaction that changes more supersedes whole policies instead."""

Left = Literal["outbox", "process"]
"""Where tags wait that could not be bumped."""

_immediate: Callable[[list[str]], object] | None = None
"""For tests whose transaction never commits: what to do with collected tags at once."""


class Changes:
    """What one transaction on one connection changed."""

    def __init__(self, connection: Any) -> None:
        self.tags: dict[str, str] = {}
        """The key of each tag."""
        self.committing = False
        """True from when a COMMIT was tried; what becomes of it then is the write's affair."""
        self._raw = connection.connection

    def belong_to(self, connection: Any) -> bool:
        """False when the transaction is gone with its connection to the database."""
        return self._raw is connection.connection


def collect(connection: Any, tags: Iterable[str]) -> None:
    """Have `tags` held and bumped around the COMMIT of the transaction that `connection` is in."""
    wanted = {tag: keys.tag_key(tag) for tag in tags}
    if not wanted:
        return
    ahead.forget_entries()
    if _immediate is not None:
        _immediate(list(wanted.values()))
        return
    changes = _changes(connection)
    if changes is None:
        changes = connection._cache_changes = Changes(connection)
        _hook(connection)
    changes.tags.update(wanted)


def _changes(connection: Any) -> Changes | None:
    changes: Changes | None = getattr(connection, "_cache_changes", None)
    return changes if changes is not None and changes.belong_to(connection) else None


def changed(tag_keys: Iterable[str]) -> bool:
    """Whether a transaction of this thread, not committed yet, changed one of the tags with these keys."""
    for connection in connections.all(initialized_only=True):
        changes = _changes(connection)
        if changes is not None and not set(changes.tags.values()).isdisjoint(tag_keys):
            return True
    return False


def open_connections() -> list[Any]:
    """The connections of this thread that are inside a transaction."""
    return [
        connection
        for connection in connections.all(initialized_only=True)
        if connection.in_atomic_block or (connection.connection is not None and not connection.autocommit)
    ]


def leave_to_the_relay(tags: list[str]) -> Left:
    """Have tags bumped that could not be, and wait for that as a write does. Outside a transaction only: inside one
    its COMMIT does it. Where the tags are: in an outbox, or in this process's memory alone."""
    drain_before_closing()
    if open_connections():
        return "outbox"
    names, token = [keys.tag_key(tag) for tag in tags], new_token()
    for using in outbox.databases()[:1]:
        row = outbox.add_after_commit(using, tags, token, lambda: None)
        if row is not None:
            outbox.wait_until_drained(using, row, names, token, patience=WAIT, commit=lambda: None)
            return "outbox"
    keep_until_lookup(names)
    return "process"


def _hook(connection: Any) -> None:
    """Stand around this connection's COMMIT and ROLLBACK."""
    if "_commit" not in vars(connection):
        connection._commit = partial(_commit, connection)
        connection._rollback = partial(_rollback, connection)
        connection._set_autocommit = partial(_set_autocommit, connection)


def _set_autocommit(connection: Any, autocommit: bool) -> None:  # Django's signature
    """SQLite's driver commits what is open when autocommit is turned on, past `_commit`."""
    changes = _changes(connection)
    if autocommit and connection.vendor == "sqlite" and changes is not None and not changes.committing:
        _commit(connection)
    type(connection)._set_autocommit(connection, autocommit)


def _rollback(connection: Any) -> None:
    connection._cache_changes = None
    type(connection)._rollback(connection)


def _commit(connection: Any) -> None:
    changes, commit = _changes(connection), partial(type(connection)._commit, connection)
    if changes is None:
        commit()
        return
    if len(changes.tags) > MOST_TAGS:
        changes.tags = {tag: keys.tag_key(tag) for tag in covering(changes.tags)}
    changes.committing = True
    write = Write(connection, changes.tags, commit)
    try:
        write.hold()
        write.hold_again()
    except BaseException:  # a COMMIT must not follow: Django rolls back after a DatabaseError only
        with suppress(Exception):
            _rollback(connection)
        write.let_go()
        raise
    try:
        write.commit()
    except BaseException as error:
        write.failed(error)
        raise
    connection._cache_changes = None
    write.committed()


class Write:
    """One COMMIT that changes tags."""

    def __init__(self, connection: Any, tags: Mapping[str, str], commit: Callable[[], None]) -> None:
        self._connection = connection
        self._using: str = connection.alias
        self._tags, self._names = list(tags), list(tags.values())
        self._commit = commit
        self._token = new_token()
        self._held_at: float | None = None
        self._row: int | None = None

    def hold(self) -> None:
        """Place the hold, or write the tags to the outbox in this same transaction."""
        self._bound_the_commit()
        self._hold_or_leave_to_the_outbox()

    def hold_again(self) -> None:
        """Once more, when this process was kept from going on for so long that the first one is old."""
        if self._held_at is not None and time.monotonic() - self._held_at > conf.hold_seconds * PATIENCE_SHARE:
            self._hold_or_leave_to_the_outbox()

    def _hold_or_leave_to_the_outbox(self) -> None:
        began = time.monotonic()
        try:
            get_store().hold(self._names, self._token, round(conf.hold_seconds * 1000))
        except StoreUnavailable as error:
            logger.info("the outbox takes %d tags, they cannot be held: %s", len(self._tags), error)
            self._held_at = None
            self._row = outbox.add(self._using, self._tags, self._token)
        else:
            self._held_at = began

    def _bound_the_commit(self) -> None:
        """Have PostgreSQL end this transaction when its COMMIT comes later than the hold can be relied on: this
        process may be stopped between the two. The timer begins anew when it was running already."""
        if self._connection.vendor != "postgresql" or self._connection.pg_version < 170000:
            return
        patience = round(conf.hold_seconds * PATIENCE_SHARE * 1000)
        with self._connection.cursor() as cursor:
            # Foreign keys are checked at COMMIT: now, or checking many would count as a COMMIT that comes too late.
            cursor.execute(
                "SET CONSTRAINTS ALL IMMEDIATE;"
                f" SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = {patience}"
            )

    def commit(self) -> None:
        """COMMIT."""
        self._commit()

    def failed(self, error: BaseException) -> None:
        """The COMMIT raised. Let go when it certainly did not happen; else the hold's deadline decides."""
        if self._held_at is None:
            return
        if not certainly_failed(self._connection, error):
            logger.warning("the outcome of a COMMIT is unknown; %d tags stay held for a while", len(self._tags))
            self._hold_anew()
            return
        self.let_go()

    def let_go(self) -> None:
        """Remove the hold without a bump: nothing was committed."""
        try:
            get_store().let_go(self._names, self._token)
        except StoreUnavailable:
            logger.info("the holds of a failed COMMIT end by themselves, the store is away")

    def _hold_anew(self) -> None:
        """New generations, and the hold once more: the first one may have been lost since, and the COMMIT with it in
        time."""
        try:
            get_store().bump(self._names)
            get_store().hold(self._names, self._token, round(conf.hold_seconds * 1000))
        except StoreUnavailable:
            logger.info("the first hold has to do, the store is away")

    def committed(self) -> None:
        """New generations, before anybody else's `on_commit` work; when that is impossible, the outbox has them."""
        began = time.monotonic()
        if self._bump():
            if self._row is not None:
                outbox.delete(self._using, [self._row], self._commit)
        else:
            self._leave_it_to_the_relay()
        forget_locally(self._names)
        access_log.invalidated(self._tags, (time.monotonic() - began) * 1000)

    def _bump(self) -> bool:
        try:
            get_store().bump(self._names, self._token)
        except StoreUnavailable as error:
            logger.warning("%d tags could not be bumped and wait in the outbox: %s", len(self._tags), error)
            return False
        return True

    def _leave_it_to_the_relay(self) -> None:
        """Wait until the row is drained, by whomever, or WAIT is over."""
        drain_before_closing()
        if self._row is None:
            self._row = outbox.add_after_commit(self._using, self._tags, self._token, self._commit)
            if self._row is None:
                keep_until_lookup(self._names)
        outbox.wait_until_drained(self._using, self._row, self._names, self._token, patience=WAIT, commit=self._commit)
