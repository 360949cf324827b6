"""What the cache holds and does, as the stats endpoint shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cache_platform import statistics
from cache_platform.conf import conf
from cache_platform.exceptions import StoreUnavailable
from cache_platform.health import servers, store_part
from cache_platform.keys import escape_glob
from cache_platform.policies import registry
from cache_platform.presets import preset
from cache_platform.ratelimits import counter_of
from cache_platform.stores import get_store
from cache_platform.stores.base import Store
from cache_platform.stores.redis import RedisStore


def count_entries() -> dict[str, int]:
    """How many entries each policy has in the store, superseded ones included until they expire.

    Walks the keys with SCAN. Raises StoreUnavailable.
    """
    counts = {policy.name: 0 for policy in registry}
    start = len(conf.prefix) + 1
    for key in set(get_store().scan(f"{escape_glob(conf.prefix)}:*")):
        name = key[start:].partition(":")[0]
        if name in counts:
            counts[name] += 1
    return counts


def report(window: str, *, timestamp: str) -> dict[str, Any]:
    """The stats endpoint's body. Raises InvalidQuery for an unknown window.

    When the store is away, the numbers are null: what other processes counted cannot be known then.
    """
    statistics.check_window(window)
    try:
        counts, entries = statistics.read_window(window), count_entries()
    except StoreUnavailable:
        unknown: dict[str, Any] = {"patterns": [], "performance": None, "limits": [], "locks": []}
        return {"timestamp": timestamp, "window": window, **unknown, **_servers()}
    patterns = [
        {"name": policy.name, "count": entries[policy.name], "ttl": policy.effective_ttl}
        | statistics.summary(counts.get(policy.name, {}))
        for policy in registry
    ]
    total: dict[str, int] = {}
    for counted, amounts in counts.items():
        for name, amount in amounts.items() if counted in entries else ():
            total[name] = total.get(name, 0) + amount
    return {
        "timestamp": timestamp,
        "window": window,
        "patterns": patterns,
        "performance": statistics.summary(total),
        "limits": [_limit(name, counts.get(counter_of(name), {})) for name in sorted(conf.rate_limits)],
        "locks": [_lock(name, counts[name]) for name in sorted(counts) if name.startswith("lock:")],
        **_servers(),
    }


def _lock(name: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """What a kind of lock did."""
    return {"kind": name.removeprefix("lock:")} | {each: counts.get(each, 0) for each in statistics.LOCK_COUNTERS}


def _limit(name: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """What a preset's limit is, and did."""
    declared = preset(name)
    declaration = {"name": name, "limit": declared.limit.limit, "window": declared.limit.window}
    return declaration | {"shadow": declared.shadow} | {each: counts.get(each, 0) for each in statistics.LIMIT_COUNTERS}


def _servers() -> dict[str, dict[str, Any]]:
    return {name: {**_described(store), **_connection(store)} for name, store in servers().items()}


def _described(store: Store) -> dict[str, Any]:
    """What the server says of itself: its memory, its policy; nothing while it is away."""
    try:
        return store.describe()
    except StoreUnavailable:
        return {}


def _connection(store: Store) -> dict[str, Any]:
    if not isinstance(store, RedisStore):
        return {"status": "not-configured", "connected": False}
    up = store_part(store).up
    return {"status": "healthy" if up else "unavailable", "connected": up, "breaker": _breaker_word(store)}


def _breaker_word(store: RedisStore) -> str:
    return "open" if store.breaker.is_open else "closed"
