"""The buckets of a window, of which a page that asks again and again reads only the newest: those that are over do not
change any more, and reading all of them takes a processor some time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from sys import intern

from cache_platform import statistics
from cache_platform.stores import get_store
from cache_platform.stores.base import STEPS, Store

GOOD_FOR = 60.0
"""Seconds after which all buckets are read again, as a server may have lost them; the next read drops what is older."""
Bucket = tuple[int, dict[str, dict[str, int]]]
"""When it begins, in seconds since 1970, and its counters by policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    store: Store
    read_at: float
    buckets: list[Bucket]


_known: dict[str, _Known] = {}


def read_buckets(window: str, *, anew: bool) -> list[Bucket]:
    """The window's buckets, the oldest first, this process's newest counts included. Unless `anew`, older ones may be
    as this process read them up to GOOD_FOR seconds ago.

    Raises InvalidQuery for another window, StoreUnavailable when the store is away.
    """
    statistics.check_window(window)
    statistics.counters.send()
    [(unit, count)] = statistics.WINDOWS[window].items()
    store, known, now = get_store(), _known.get(window), time.monotonic()
    buckets = None
    if not anew and known is not None and known.store is store and now - known.read_at < GOOD_FOR:
        buckets = _continued(store, unit, count, known.buckets)
        now = known.read_at
    if buckets is None:
        buckets, now = _read(store, unit, count), time.monotonic()
    for other in [other for other, each in _known.items() if time.monotonic() - each.read_at >= GOOD_FOR]:
        del _known[other]
    _known[window] = _Known(store=store, read_at=now, buckets=buckets)
    return buckets


def _continued(store: Store, unit: str, count: int, earlier: list[Bucket]) -> list[Bucket] | None:
    """The earlier ones, with what is new since; None where there is a gap."""
    newest = earlier[-1][0]
    missing = (int(time.time()) - newest) // STEPS[unit] + 1
    if not 0 < missing < count:
        return None
    new = _read(store, unit, missing)
    first = new[0][0]
    if first > newest:
        return None
    return [*(each for each in earlier if each[0] < first), *new][-(count + 1) :]


def _read(store: Store, unit: str, count: int) -> list[Bucket]:
    return [(start, _by_policy(amounts)) for start, amounts in store.read_buckets(**{unit: count})]


def _by_policy(fields: dict[str, int]) -> dict[str, dict[str, int]]:
    """As statistics.by_policy, with names that are in memory once."""
    found = statistics.by_policy(fields)
    return {intern(name): {intern(each): amount for each, amount in found[name].items()} for name in found}
