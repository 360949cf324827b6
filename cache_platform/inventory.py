"""What the cache holds and does, as the stats endpoint shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import Error
from django.db.models import Count, Min

from cache_platform import outbox, statistics
from cache_platform.conf import conf
from cache_platform.entry_counts import entry_counter
from cache_platform.exceptions import StoreUnavailable
from cache_platform.health import database_probe, servers, store_part
from cache_platform.policies import CachePolicy, registry
from cache_platform.presets import preset
from cache_platform.ratelimits import counter_of
from cache_platform.stores.base import Store
from cache_platform.stores.redis import RedisStore

PATIENCE = 2.0
"""Seconds that the first who asks waits for the entries to be counted."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Writes whose tags wait to be bumped: how many rows, and since when the oldest one does, None without one."""

    rows: int
    since: datetime | None


def outbox_waiting() -> Waiting | None:
    """What is in the outboxes of all databases; None while a database is away."""
    from cache_platform.models import OutboxRow  # needs Django to be set up

    if not database_probe.ask().up:  # one that hangs would hold whoever asks
        return None
    rows, since = 0, None
    try:
        for using in outbox.databases():
            found = OutboxRow.objects.using(using).aggregate(rows=Count("pk"), oldest=Min("created_at"))
            rows += found["rows"]
            since = min((each for each in (since, found["oldest"]) if each), default=None)
    except Error:
        return None
    return Waiting(rows, since)


def outbox_rows() -> int | None:
    """How many rows there are; None while a database is away."""
    waiting = outbox_waiting()
    return None if waiting is None else waiting.rows


def report(window: str, *, timestamp: str, patience: float = PATIENCE) -> dict[str, Any]:
    """The stats endpoint's body. Raises InvalidQuery for an unknown window.

    When the store is away, the numbers are null: what other processes counted cannot be known then. The entries are
    counted beside it, `entriesAge` seconds ago; null, as each policy's `count`, while they are not, which the first who
    asks waits for `patience` seconds.
    """
    statistics.check_window(window)
    asked = {"timestamp": timestamp, "window": window}
    try:
        counts = statistics.read_window(window)
    except StoreUnavailable:
        unknown: dict[str, Any] = {"entriesAge": None, "patterns": [], "performance": None, "limits": [], "locks": []}
        return asked | unknown | _surroundings()
    entries = entry_counter.latest(patience=patience)
    patterns = [
        _pattern(policy, counts.get(policy.name, {}), entries.entries.get(policy.name, 0) if entries else None)
        for policy in registry
    ]
    names = {policy.name for policy in registry}
    total: dict[str, int] = {}
    for counted, amounts in counts.items():
        for name, amount in amounts.items() if counted in names else ():
            total[name] = total.get(name, 0) + amount
    found = {
        "entriesAge": round(entries.age, 1) if entries else None,
        "patterns": patterns,
        "performance": statistics.summary(total),
        "limits": [_limit(name, counts.get(counter_of(name), {})) for name in sorted(conf.rate_limits)],
        "locks": [_lock(name, counts[name]) for name in sorted(counts) if name.startswith("lock:")],
    }
    return asked | found | _surroundings()


def _pattern(policy: CachePolicy[Any], counts: Mapping[str, int], count: int | None) -> dict[str, Any]:
    """What a policy has and did; `estimatedBytes` are its entries' if they are as large as those stored lately."""
    declared = {"name": policy.name, "count": count, "ttl": policy.effective_ttl, "ttlSource": policy.ttl_source}
    shown = statistics.summary(counts)
    mean = shown["meanBytes"]
    return declared | shown | {"estimatedBytes": None if mean is None or count is None else mean * count}


def _surroundings() -> dict[str, Any]:
    """The servers, and how many writes wait: known without the store that counts."""
    return {**_servers(), "outbox": outbox_rows()}


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
