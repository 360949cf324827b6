"""Reads for the cards: each in a thread of its own, and each failure a value, so that no card can harm another."""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from django.db import connections

from cache_platform import BudgetExceeded, LoadRefused, Read, SourceError

logger = logging.getLogger(__name__)
T = TypeVar("T")

MOST_READS = 160
"""Reads under way in a process: 32 pages, up to five each. Visitors who leave do not end theirs."""
_free = threading.BoundedSemaphore(MOST_READS)


class Trouble(StrEnum):
    """Why a card has nothing to show."""

    LATE = "late"  # the read still runs
    SOURCE = "source"  # the source failed, and there is no earlier answer
    SEARCHES = "searches"  # this visitor has searched too often
    BUDGET = "budget"  # this visitor, or all together, asked for too much that is new
    BUSY = "busy"  # this process has too many loads already
    FAULT = "fault"  # our own mistake; it is logged


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """A value that is there, and how the read came by it."""

    value: T
    read: Read[T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """No value. `retry_after` is in seconds, where it is known when to ask again."""

    trouble: Trouble
    retry_after: float | None = None


Outcome: TypeAlias = Answer[T] | Failure


def ask(read: Callable[[], Read[T]]) -> Future[Outcome[T]]:
    """Begin a read. It has a thread of its own rather than one of a shared pool, where reads that wait for a hanging
    source would keep hits of other cards waiting; it ends by the read path's own timeouts. BUSY when MOST_READS are
    under way.
    """
    if not _free.acquire(blocking=False):
        return _refused()
    pool = ThreadPoolExecutor(1, thread_name_prefix="dashboard")
    try:
        return pool.submit(contextvars.copy_context().run, _attempt, read)
    except RuntimeError:  # the system gives no more threads
        logger.exception("a card of the dashboard could not be read")
        _free.release()
        return _refused()
    finally:
        pool.shutdown(wait=False)


def outcome_of(future: Future[Outcome[T]], *, until: float) -> Outcome[T]:
    """What came of the read; LATE when it still runs at `until`, a time of time.monotonic()."""
    try:
        return future.result(timeout=max(0.0, until - time.monotonic()))
    except TimeoutError:
        return Failure(trouble=Trouble.LATE)


def settled(outcome: Outcome[T]) -> Future[Outcome[T]]:
    """What a read gives that need not begin."""
    future: Future[Outcome[T]] = Future()
    future.set_result(outcome)
    return future


def _refused() -> Future[Outcome[T]]:
    return settled(Failure(trouble=Trouble.BUSY))


def _attempt(read: Callable[[], Read[T]]) -> Outcome[T]:
    try:
        found = read()
    except SourceError as error:
        return Failure(trouble=Trouble.SOURCE, retry_after=error.retry_after)
    except BudgetExceeded as error:
        return Failure(trouble=Trouble.BUDGET, retry_after=error.retry_after)
    except LoadRefused as error:
        return Failure(trouble=Trouble.BUSY, retry_after=error.retry_after)
    except Exception:  # the other card, and the rest of the page, are still good
        logger.exception("a card of the dashboard could not be read")
        return Failure(trouble=Trouble.FAULT)
    finally:
        connections.close_all()  # this thread's own, where the database was asked; nothing else closes them
        _free.release()
    return Failure(trouble=Trouble.SOURCE) if found.value is None else Answer(value=found.value, read=found)
