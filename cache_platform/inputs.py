"""What a load was made of: whether its value may be stored (read path, step 8)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import connections

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


def taint() -> None:
    """Tell the load around this, if there is one, that its input was itself made of something old."""
    inputs = _current.get()
    if inputs is not None:
        inputs.tainted = True


def in_transaction() -> bool:
    """True inside a transaction on any database: what is read there may be this transaction's own, or a snapshot
    from before the generations were read, so nothing is stored."""
    return any(
        connection.in_atomic_block or (connection.connection is not None and not connection.autocommit)
        for connection in connections.all(initialized_only=True)
    )
