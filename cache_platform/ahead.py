"""What one request has read ahead: the entries and the limits that it is going to ask for, in one round trip.

A request's headers tell, before anybody is authenticated, which entries and limits it will ask for. `look` asks for
all of them at once; who asks for one of them afterwards, for exactly that, gets what was found, once. Nothing is
decided here: an entry that is not fresh beyond doubt is asked for again by its reader, and a slot that nobody came for
is given back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from cache_platform import stores
from cache_platform.exceptions import StoreUnavailable
from cache_platform.policies import Address
from cache_platform.stores.base import Attempt, Found, Log, Lookup, Taken, new_token

logger = logging.getLogger(__name__)


MOST_AGE = 0.5
"""Seconds after which what was found is asked for again: between its headers and its answer a request takes less."""


@dataclass(slots=True)
class Ahead:
    """What was found and is not asked for yet. `around` is the request that this one is inside of, if there is one."""

    around: Ahead | None = None
    looked: float = 0.0
    found: dict[Address, Found] = field(default_factory=dict)
    taken: list[tuple[tuple[Log, ...], str, Taken]] = field(default_factory=list)


_current: ContextVar[Ahead | None] = ContextVar("cache_platform_ahead", default=None)


@contextmanager
def scope() -> Iterator[None]:
    """The time of one request, within which what was read ahead may be asked for."""
    ahead = Ahead(_current.get())
    token = _current.set(ahead)
    try:
        yield
    finally:
        _current.reset(token)
        # A background load may have a copy of the context, and outlive the request.
        left, ahead.taken = ahead.taken, []
        ahead.found.clear()
        _give_back(left)


def look(lookups: Sequence[Lookup], wanted: Sequence[Sequence[Log]], *, guard: Lookup | None = None) -> None:
    """Read ahead: entries, and a slot in all logs of each of `wanted`, with a `guard` only if the entry that it looks
    for, the credential, is good. One round trip; inside `scope`, else nothing is done. A store that is away is left to
    those who ask it afterwards, and so are limits that live on another server.
    """
    ahead, store = _current.get(), stores.get_store()
    if ahead is None:
        return
    here = stores.get_state_store() is store
    ahead.looked = time.monotonic()
    attempts = [Attempt(logs=tuple(logs), member=new_token(), guard=guard) for logs in wanted if here and logs]
    try:
        found, taken = store.look_ahead(lookups, attempts)
    except StoreUnavailable:
        return
    ahead.found |= {wish.address: each for wish, each in zip(lookups, found, strict=True) if each is not None}
    for attempt, each in zip(attempts, taken, strict=True):
        if each is not None:
            ahead.taken.append((attempt.logs, attempt.member, each))


def found(address: Address) -> Found | None:
    """What was found of the entry at `address`, the first time that it is asked for, as of this moment."""
    ahead = _current.get()
    each = ahead.found.pop(address, None) if ahead is not None else None
    if ahead is None or each is None:
        return None
    age = time.monotonic() - ahead.looked
    return replace(each, now=each.now + int(age * 1000)) if age < MOST_AGE else None


def taken(logs: Sequence[Log]) -> tuple[str, Taken] | None:
    """The member and what became of its wish for a slot in `logs`, the first time that it is asked for."""
    ahead = _current.get()
    if ahead is None:
        return None
    wanted = tuple(logs)
    place = next((number for number, (each, _, _) in enumerate(ahead.taken) if each == wanted), None)
    if place is None:
        return None
    _, member, outcome = ahead.taken.pop(place)
    return member, outcome


def forget_entries() -> None:
    """Forget what was found of entries: this request has changed something, and is to read that."""
    ahead = _current.get()
    while ahead is not None:
        ahead.found.clear()
        ahead = ahead.around


def _give_back(left: Sequence[tuple[tuple[Log, ...], str, Taken]]) -> None:
    for logs, member, outcome in left:
        if outcome.allowed:
            try:
                stores.get_state_store().give_back([log.key for log in logs], member)
            except StoreUnavailable:
                logger.info("a slot that nobody came for stays taken")
