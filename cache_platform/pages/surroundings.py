"""What stands around the policies: servers with their breakers, the outbox, limits and locks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from cache_platform import inventory, statistics
from cache_platform.conf import conf
from cache_platform.exceptions import StoreUnavailable
from cache_platform.health import servers
from cache_platform.pages import wording
from cache_platform.pages.numbers import Numbers
from cache_platform.presets import preset
from cache_platform.ratelimits import counter_of
from cache_platform.stores.base import Store
from cache_platform.stores.redis import RedisStore

NAMES = {"redis": "Redis", "state": "Redis for limits and locks"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as the page shows it: facts in words, and how full it is of a hundred, None without a limit."""

    name: str
    up: bool
    breaker: str
    trouble: str
    facts: list[tuple[str, str]]
    full: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The outbox: writes whose tags wait to be bumped, and for how long the oldest one does. `known` is false while the
    database does not answer."""

    known: bool
    rows: int = 0
    oldest: str = ""


def all_servers() -> list[Server]:
    """Each store, asked once; one that is away costs its timeout at the most, and nothing while its breaker is open."""
    return [_server(NAMES.get(name, name), store) for name, store in servers().items()]


def _server(name: str, store: Store) -> Server:
    said: dict[str, Any] = {}
    trouble = ""
    try:
        said = store.describe()
    except StoreUnavailable as error:
        trouble = str(error)
    if not isinstance(store, RedisStore):
        facts = [("Memory", wording.size(said.get("used_memory")))] if "used_memory" in said else []
        return Server(name="This process's memory", up=True, breaker="", trouble="", facts=facts, full=None)
    used, limit = said.get("used_memory"), said.get("maxmemory")
    return Server(
        name=name,
        up=not trouble,
        breaker="open" if store.breaker.is_open else "closed",
        trouble=trouble,
        facts=_facts(said) if said else [],
        full=f"{min(100.0, 100 * used / limit):.1f}" if used and limit else None,
    )


def _facts(said: dict[str, Any]) -> list[tuple[str, str]]:
    version = said.get("valkey_version") or said.get("redis_version") or wording.DASH
    limit = said.get("maxmemory")
    memory = wording.size(said.get("used_memory"))
    kind = "Valkey" if "valkey_version" in said else "Redis"
    return [
        ("Memory", f"{memory} of {wording.size(limit)}" if limit else f"{memory}, no limit"),
        ("When full", str(said.get("maxmemory_policy", wording.DASH))),
        ("Evicted", wording.number(said.get("evicted_keys"))),
        ("Expired", wording.number(said.get("expired_keys"))),
        ("Clients", wording.number(said.get("connected_clients"))),
        ("Up for", wording.duration(said.get("uptime_in_seconds"))),
        ("Version", f"{kind} {version}"),
    ]


def waiting() -> Waiting:
    """The outbox of all databases."""
    found = inventory.outbox_waiting()
    if found is None:
        return Waiting(known=False)
    return Waiting(known=True, rows=found.rows, oldest=_since(found.since) if found.since else "")


def _since(moment: datetime) -> str:
    return wording.duration(max(0, int((timezone.now() - moment).total_seconds())))


def limits(numbers: Numbers) -> list[dict[str, Any]]:
    """Each preset with what it did in the window."""
    found = []
    for name in sorted(conf.rate_limits):
        declared, counts = preset(name), numbers.of(counter_of(name))
        limit = f"{declared.limit.limit} in {wording.duration(declared.limit.window)}"
        amounts = {each: wording.number(counts.get(each, 0)) for each in statistics.LIMIT_COUNTERS}
        found.append(
            {"name": name, "limit": limit, "shadow": declared.shadow, "loud": counts.get("refused"), **amounts}
        )
    return found


def locks(numbers: Numbers) -> list[dict[str, Any]]:
    """Each kind of lock that was used in the window."""
    names = sorted(name for name in numbers.sums if name.startswith("lock:"))
    return [
        {"kind": name.removeprefix("lock:"), "loud": numbers.of(name).get("lost")}
        | {each: wording.number(numbers.of(name).get(each, 0)) for each in statistics.LOCK_COUNTERS}
        for name in names
    ]
