"""How the site is: its store, its database, and the services behind its policies."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

from django.db import Error, connection

from cache_platform.conf import conf
from cache_platform.exceptions import CachePlatformError, StoreUnavailable
from cache_platform.generations import peek
from cache_platform.policies import CachePolicy, register, registry
from cache_platform.reader import get_or_load
from cache_platform.statistics import read_window
from cache_platform.stores import get_state_store, get_store
from cache_platform.stores.base import Store
from cache_platform.stores.redis import RedisStore

logger = logging.getLogger(__name__)

DATABASE_PATIENCE = 1.0
"""Seconds after which a database that does not answer counts as away."""

State = Literal["healthy", "degraded", "unhealthy"]

SERVICES = register(
    CachePolicy(
        name="service.health",
        schema=dict[str, dict[str, str | int]],
        ttl=60,
        ttl_variable="SERVICE_HEALTH_CACHE_TTL",
        consistency="relaxed",
        audience="public",
        description="How the outside services did lately, from the loads of their policies.",
    )
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the site: whether it answers, and for staff why not and how quickly."""

    up: bool
    error: str = ""
    milliseconds: float | None = None


class _Probe(threading.Thread):
    """One query, in a thread of its own."""

    def __init__(self) -> None:
        super().__init__(name="database-probe", daemon=True)
        self.began = time.monotonic()
        self.took: float | None = None
        self.error = "it does not answer"

    def run(self) -> None:
        """Ask, and note how it went."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            self.took = time.monotonic() - self.began
        except Error as error:
            self.error = f"{type(error).__name__}: {error}".strip()
        finally:
            connection.close()


class DatabaseProbe:
    """Asks the database, and costs a caller no more than DATABASE_PATIENCE when it hangs.

    One query runs at a time, and those who ask meanwhile share its outcome: a database that hangs is not asked again
    for each of them.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the latest query; after a fork its thread is not there."""
        self._lock = threading.Lock()
        self._latest: _Probe | None = None

    def ask(self) -> Part:
        """Whether the database answers a query within DATABASE_PATIENCE seconds."""
        with self._lock:
            probe = self._latest
            if probe is None or not probe.is_alive():
                probe = self._latest = _Probe()
                probe.start()
        probe.join(max(0.0, probe.began + DATABASE_PATIENCE - time.monotonic()))
        if probe.is_alive() or probe.took is None:
            return Part(up=False, error=probe.error)
        return Part(up=True, milliseconds=round(probe.took * 1000, 1))


database_probe = DatabaseProbe()
os.register_at_fork(after_in_child=database_probe.reset)


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)


def store_part(store: Store) -> Part:
    """Whether `store` answers; asks it unless its breaker is open."""
    started = time.monotonic()
    try:
        store.ping()
    except StoreUnavailable as error:
        return Part(up=False, error=str(error))
    return Part(up=True, milliseconds=_since(started))


def services() -> dict[str, dict[str, str | int]]:
    """Each service's status (`ok`, `failing`, `unknown` without a load), loads and errors of the last five minutes."""
    try:
        return get_or_load(SERVICES, {}, _load_services) or {}
    except CachePlatformError as error:
        logger.warning("the services' health is not known: %s", error)
        return {name: {"status": "unknown"} for name in (*conf.services, *conf.heartbeats)}


def _load_services() -> dict[str, dict[str, str | int]]:
    counts = read_window("5m")
    found: dict[str, dict[str, str | int]] = {}
    for name, policies in conf.services.items():
        loads = sum(counts.get(policy, {}).get("loads", 0) for policy in policies)
        errors = sum(counts.get(policy, {}).get("load_errors", 0) for policy in policies)
        without = errors + sum(counts.get(policy, {}).get("left_alone", 0) for policy in policies)
        status = "unknown" if not loads + without else "failing" if without > loads else "ok"
        found[name] = {"status": status, "loads": loads, "errors": errors}
    for name, policy_name in conf.heartbeats.items():
        found[name] = {"status": "unknown" if peek(registry.get(policy_name), {}) is None else "ok"}
    return found


def report() -> tuple[State, dict[str, Any]]:
    """The site's state and the whole report, which names hosts and errors: for staff.

    Without a store the site is degraded (it goes on without it); without the database it is unhealthy.
    """
    parts = {name: store_part(store) for name, store in servers().items()}
    database, known = database_probe.ask(), services()
    failing = any(service["status"] == "failing" for service in known.values())
    away = any(not part.up for part in parts.values())
    state: State = "unhealthy" if not database.up else "degraded" if failing or away else "healthy"
    described = {name: _described(part) for name, part in parts.items()}
    if not isinstance(get_store(), RedisStore):
        described["redis"] |= {"status": "not-configured", "connected": False}
    return state, {"status": state, **described, "database": _described(database), "services": known}


def servers() -> dict[str, Store]:
    """The stores as reports call them: `redis` for entries, and `state` when that is another one."""
    entries, state = get_store(), get_state_store()
    return {"redis": entries} if state is entries else {"redis": entries, "state": state}


def without_details(body: dict[str, Any]) -> dict[str, Any]:
    """The report for everybody: what is up, not where it is, why not, or how much is asked of it."""
    parts = {"redis", "state", "database"} & body.keys()
    told = {part: {name: body[part][name] for name in ("status", "connected")} for part in parts}
    if "services" in body:
        told["services"] = {name: {"status": service["status"]} for name, service in body["services"].items()}
    return body | told


def _described(part: Part) -> dict[str, Any]:
    described: dict[str, Any] = {
        "status": "healthy" if part.up else "unavailable",
        "connected": part.up,
        "latencyMs": part.milliseconds,
    }
    return described | ({"error": part.error} if part.error else {})
