"""The outbox and its drain (write path, steps 2, 4 and 5).

A drain reads the committed rows, bumps their tags, then deletes exactly those rows: a row that is committed meanwhile
stays for the next drain, and a drain that dies between the two steps only has its bumps made twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connections

from cache_platform import keys
from cache_platform.conf import conf
from cache_platform.exceptions import OutboxUnreadable, StoreUnavailable
from cache_platform.stores import get_store

logger = logging.getLogger(__name__)

CHANNEL = "cache_platform_outbox"
"""The PostgreSQL channel on which the relay listens."""
BATCH = 500
FIRST_LOOK = 0.01
LONGEST_LOOK = 0.1
Commit = Callable[[], None]


def databases() -> list[str]:
    """The databases that have an outbox: all of DATABASES but mirrors, unless the settings name them."""
    if conf.outbox_databases is not None:
        return list(conf.outbox_databases)
    return [name for name, options in settings.DATABASES.items() if not options.get("TEST", {}).get("MIRROR")]


def add(using: str, tags: Sequence[str], token: str) -> int:
    """Write a row in the transaction that `using` is in, and tell the relay at its COMMIT; its id."""
    from cache_platform.models import OutboxRow

    meta = OutboxRow._meta
    fields = [field for field in meta.local_concrete_fields if not field.primary_key]
    rows: Any = OutboxRow._base_manager.using(using)
    # Without signals, since whoever listens to all models may write; without a block, since this is inside a COMMIT.
    row = OutboxRow(tags="\n".join(tags), token=token)
    [(key,)] = rows._insert([row], fields=fields, returning_fields=meta.db_returning_fields, using=using)
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
    return int(key)


def add_after_commit(using: str, tags: Sequence[str], token: str, commit: Commit) -> int | None:
    """Write a row in a transaction of its own, on a connection that has just committed; None when that fails, and then
    a hold that stands ends by its deadline."""
    try:
        row = add(using, tags, token)
        commit()
    except Error:
        logger.exception("the outbox cannot be written; holds on %d tags end by themselves", len(tags))
        _undo(using)
        return None
    return row


def delete(using: str, rows: Sequence[int], commit: Commit = lambda: None) -> None:
    """Delete exactly these rows. A row that stays only has its bumps made again."""
    from cache_platform.models import OutboxRow

    try:
        OutboxRow.objects.using(using).filter(pk__in=rows)._raw_delete(using)
        commit()
    except Error:
        logger.warning("%d outbox rows could not be deleted; they are drained again", len(rows), exc_info=True)
        _undo(using)


def wait_until_drained(
    using: str, row: int | None, names: Sequence[str], token: str, *, patience: float, commit: Commit
) -> None:
    """Return when the row is gone, when this process could bump its tags after all, or after `patience`
    seconds."""
    from cache_platform.models import OutboxRow

    pause, until = FIRST_LOOK, time.monotonic() + patience
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * 2, LONGEST_LOOK)
        try:
            if row is not None:
                drained = not OutboxRow.objects.using(using).filter(pk=row).exists()
                commit()
                if drained:
                    return
            get_store().bump(names, token)
        except StoreUnavailable:
            continue
        except Error:
            row = None  # the database went away too; the store may still come back
            _undo(using)
            continue
        if row is not None:
            delete(using, [row], commit)
        return


def drain(using: str | None = None) -> int:
    """Bump what every database's outbox holds (or that of `using`), past the breaker; how many rows. Begun only after
    the store answered,
    and in a thread whose connections are in no transaction: a snapshot would hide rows that are committed already.

    Raises StoreUnavailable when a bump fails, OutboxUnreadable when the database does: whoever asked may not believe
    what the store has.
    """
    drained, asked, unreadable = 0, databases() if using is None else [using], []
    for each in asked:
        try:
            drained += _drain(each)
        except OutboxUnreadable as error:
            unreadable.append(error)
    if unreadable and len(unreadable) == len(asked):
        raise unreadable[0]
    if unreadable:  # writers can write to the others, so nobody is excused
        raise StoreUnavailable(str(unreadable[0])) from unreadable[0]
    return drained


def _drain(using: str) -> int:
    drained = 0
    for rows in _batches(using):
        get_store().bump_many([(_names(text), token) for _, text, token in rows])
        delete(using, [row for row, _, _ in rows])
        drained += len(rows)
    if drained:
        logger.info("%d outbox rows of %s drained", drained, using)
    return drained


def _batches(using: str) -> Iterator[list[tuple[int, str, str]]]:
    """The committed rows, BATCH at a time, until there are no more. Raises OutboxUnreadable."""
    from cache_platform.models import OutboxRow

    after = 0
    while True:
        try:
            rows = OutboxRow.objects.using(using).filter(pk__gt=after).order_by("pk")
            found = list(rows.values_list("pk", "tags", "token")[:BATCH])
        except Error as error:
            if not after and lacks_table(using):
                return
            kind = OutboxUnreadable if _is_away(error) else StoreUnavailable
            raise kind(f"the outbox of {using} cannot be read: {error}") from error
        if not found:
            return
        yield found
        after = found[-1][0]


def _undo(using: str) -> None:
    """Leave no failed transaction behind on a connection that has just committed."""
    connection = connections[using]
    if not connection.in_atomic_block:
        with suppress(Error):
            type(connection)._rollback(connection)  # type: ignore[attr-defined]  # not in the stubs


def _is_away(error: Error) -> bool:
    """Whether the database is away for everybody, rather than too busy for us."""
    if not isinstance(error, OperationalError | InterfaceError) or isinstance(error.__cause__, TimeoutError):
        return False
    busy = ("too many clients", "connection slots", "too many connections", "couldn't get a connection", "locked")
    return not any(text in str(error) for text in busy)


def _names(text: str) -> list[str]:
    """The keys of a row's tags. What is no tag was not written by this app, and must not stop the drain."""
    return [keys.tag_key(tag) for tag in text.splitlines() if keys.is_tag(tag)]


def lacks_table(using: str) -> bool:
    """Whether this database has no outbox, because its migrations have not run: then nothing was written to it."""
    from cache_platform.models import OutboxRow

    try:
        return OutboxRow._meta.db_table not in connections[using].introspection.table_names()
    except Error:
        return False
