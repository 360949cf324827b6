"""Invalidation by generations: bumping a tag supersedes every entry stored under it, at constant cost."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from cache_platform import access_log, ahead, keys, transactions
from cache_platform.conf import conf
from cache_platform.exceptions import ParameterError, PolicyError, StoreUnavailable
from cache_platform.loading import Load
from cache_platform.policies import CachePolicy, registry
from cache_platform.reading import Reading
from cache_platform.stores import forget_locally, get_memory, get_store, local_copies
from cache_platform.transactions import Left

logger = logging.getLogger(__name__)
T = TypeVar("T")

PAGE = 1000
"""Entries that are deleted at a time."""
LOOKED_AT = 100
"""Keys that are compared with a glob at a time: the server does nothing else meanwhile, and globs may be slow."""


def invalidate(*tags: str) -> int:
    """Supersede every entry stored under any of `tags`; how many generations were bumped.

    Inside a transaction they are bumped now and once more when it commits. 0 means that the store is away: the tags
    are in the outbox, and nobody reads entries under them from the store before they are bumped. With the database
    away too, only this process bumps them, before its own next read. Raises ParameterError for what is not a tag.
    """
    return supersede(*tags)[0]


def supersede(*tags: str) -> tuple[int, Left | None]:
    """As invalidate; with where the tags wait, None when they were bumped."""
    return _bump(list(dict.fromkeys(tags)))


def invalidate_user(user_id: int) -> int:
    """Supersede everything stored under `user:<user_id>`; see invalidate."""
    return invalidate(f"user:{user_id}")


def flush_policy(policy: CachePolicy[Any] | str) -> int:
    """Supersede all entries of a policy at constant cost; see invalidate. Raises UnknownPolicy."""
    name = policy if isinstance(policy, str) else policy.name
    return invalidate(keys.policy_tag(registry.get(name).name))


def flush_all() -> int:
    """Supersede every entry; see invalidate. Limits, locks, statistics and other programs' keys stay."""
    return invalidate(keys.EVERYTHING)


def flush_pattern(glob: str) -> int:
    """Delete the entries whose key, after the prefix, matches a Redis glob, as in `weather.*:lat=52*`; how many.

    Only entries are touched: never generations, leases, budgets or statistics, nor other programs' keys.
    Raises StoreUnavailable.
    """
    removed = sum(flush_pages(glob))
    logger.info("flushed %d entries by pattern", removed)
    return removed


def flush_pages(glob: str) -> Iterator[int]:
    """As flush_pattern, a page at a time as it goes on: how many each deleted. A page needs no more memory the more
    entries there are, and those before one that fails are gone."""
    names = entries_like(glob)
    while page := list(islice(names, PAGE)):
        yield _delete(page)


def flush_key(key: str) -> int:
    """Delete the entry with that key, prefix included; how many there were. Raises StoreUnavailable, and ParameterError
    for what is no entry's key."""
    return _delete([_checked(key)])


def has_key(key: str) -> bool:
    """Whether there is an entry with that key, prefix included, superseded or not. Raises as flush_key does."""
    return get_store().holds(_checked(key))


def entries_like(glob: str, *, until: float = math.inf) -> Iterator[str]:
    """The whole keys of the entries that flush_pattern would delete, as far as they are found until time.monotonic() is
    `until`. A key may come twice, as SCAN says, and many round trips are made. Raises StoreUnavailable."""
    starts = entry_starts()
    pattern = f"{keys.escape_glob(conf.prefix)}:{glob}"
    return (key for key in get_store().scan(pattern, page=LOOKED_AT, until=until) if key.startswith(starts))


def entry_starts() -> tuple[str, ...]:
    """What the keys of entries begin with, and no others."""
    return tuple(f"{conf.prefix}:{policy.name}:" for policy in registry)


def _checked(key: str) -> str:
    if not key.startswith(entry_starts()):
        raise ParameterError(f"not the key of an entry: {key[:40]!r}")
    return key


def _delete(names: list[str]) -> int:
    removed = get_store().delete(names)
    local_copies.drop_keys(names)
    get_memory().delete(names)
    return removed


def _bump(tags: list[str]) -> tuple[int, Left | None]:
    began = time.monotonic()
    names = [keys.tag_key(tag) for tag in tags]
    if not names:
        return 0, None
    left: Left | None = None
    for connection in transactions.open_connections():
        transactions.collect(connection, tags)  # what is loaded before its COMMIT must not outlive it
    try:
        bumped = get_store().bump(names)
    except StoreUnavailable as error:
        bumped, left = 0, transactions.leave_to_the_relay(tags)
        where = "wait in the outbox" if left == "outbox" else "are kept by this process alone"
        logger.warning("%d tags could not be bumped and %s: %s", len(tags), where, error)
    ahead.forget_entries()
    forget_locally(names)
    access_log.invalidated(tags, (time.monotonic() - began) * 1000)
    return bumped, left


def peek(policy: CachePolicy[T], params: Mapping[str, Any]) -> T | None:
    """The value if it is fresh in the store, else None; nothing is loaded or counted. Raises StoreUnavailable."""
    reading = _reading(policy, params)
    if not conf.enabled:
        return None
    store = get_store()
    found = store.lookup([reading.lookup(lease=False)])[0]
    usable = reading.usable(store, found)
    if usable is None or not usable.fresh or (found.held and not policy.relaxed):
        return None
    return usable.value


def put(policy: CachePolicy[T], params: Mapping[str, Any], value: T) -> bool:
    """Store a value that was made here, not read from a source; true when it is stored.

    Only for relaxed policies: a strict one could not tell whether the value is older than a write (PolicyError).
    """
    if not policy.relaxed:
        raise PolicyError(f"{policy.name} is strict: what it stores must come from a loader")
    reading, store = _reading(policy, params), get_store()
    if not conf.enabled:
        return False
    try:
        found = store.lookup([reading.lookup(lease=False)])[0]
        load = Load(reading, store, found, leased=False)
        entry = load.entry_of(value)
        fill = load.fill_of(entry, tainted=False)
        return fill is not None and load.settled(entry, store.fill([fill])[0]).stored
    except StoreUnavailable:
        return False


def _reading(policy: CachePolicy[T], params: Mapping[str, Any]) -> Reading[T]:
    return Reading(policy, params, lambda: None, None)
