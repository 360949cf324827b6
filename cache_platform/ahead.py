"""What one request has read ahead: the entries and the limits that it is going to ask for, in one round trip.

A request's headers tell, before anybody is authenticated, which entries and limits it will ask for. `look` asks for
all of them at once; who asks for one of them afterwards, for exactly that, gets what was found, once. Nothing is
decided here: an entry that is not fresh beyond doubt is asked for again by its reader, and a slot that nobody came for
is given back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from cache_platform import stores
from cache_platform.exceptions import StoreUnavailable
from cache_platform.policies import Address
from cache_platform.stores.base import Attempt, Found, Log, Lookup, Taken, new_token

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Ahead:
    """What was found and is not asked for yet."""

    found: dict[Address, Found] = field(default_factory=dict)
    taken: dict[tuple[Log, ...], tuple[str, Taken]] = field(default_factory=dict)


_current: ContextVar[Ahead | None] = ContextVar("cache_platform_ahead", default=None)


@contextmanager
def scope() -> Iterator[None]:
    """The time of one request, within which what was read ahead may be asked for."""
    ahead = Ahead()
    token = _current.set(ahead)
    try:
        yield
    finally:
        _current.reset(token)
        _give_back(ahead)


def look(lookups: Sequence[Lookup], wanted: Sequence[Sequence[Log]], *, guard: Lookup) -> None:
    """Read ahead: entries, and a slot in each of the `wanted` limits, if the entry that `guard` looks for, the
    credential, is good. One round trip; inside `scope`, else nothing is done. A store that is away is left to those
    who ask it afterwards, and so are limits that live on another server.
    """
    ahead, store = _current.get(), stores.get_store()
    if ahead is None:
        return
    here = stores.get_state_store() is store
    attempts = [Attempt(logs=tuple(logs), member=new_token(), guard=guard) for logs in wanted if here and logs]
    try:
        found, taken = store.look_ahead(lookups, attempts)
    except StoreUnavailable:
        return
    ahead.found |= {wish.address: each for wish, each in zip(lookups, found, strict=True) if each is not None}
    ahead.taken |= {
        attempt.logs: (attempt.member, each) for attempt, each in zip(attempts, taken, strict=True) if each is not None
    }


def found(address: Address) -> Found | None:
    """What was found of the entry at `address`, the first time that it is asked for."""
    ahead = _current.get()
    return ahead.found.pop(address, None) if ahead is not None else None


def taken(logs: Sequence[Log]) -> tuple[str, Taken] | None:
    """The member and what became of its wish for a slot in `logs`, the first time that it is asked for."""
    ahead = _current.get()
    return ahead.taken.pop(tuple(logs), None) if ahead is not None else None


def forget_entries() -> None:
    """Forget what was found of entries: this request has changed something, and is to read that."""
    ahead = _current.get()
    if ahead is not None:
        ahead.found.clear()


def _give_back(ahead: Ahead) -> None:
    for logs, (member, outcome) in ahead.taken.items():
        if outcome.allowed:
            try:
                stores.get_state_store().give_back([log.key for log in logs], member)
            except StoreUnavailable:
                logger.info("a slot that nobody came for stays taken")
