"""What `cache_health` finds out: the report of /health, looked at harder, and in words what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cache_platform import health
from cache_platform.commands.looking import OLD, OutboxLook, Server, Waiting, look_at_servers
from cache_platform.commands.words import duration, several
from cache_platform.conf import conf
from cache_platform.health import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The state, why it is not better, and what it was judged by. `outbox` is None where it cannot be known."""

    state: State
    reasons: Sequence[str]
    servers: Sequence[Server]
    outbox: Waiting | None
    report: dict[str, Any]

    def body(self) -> dict[str, Any]:
        """The report of /health, with what is known besides."""
        servers = {server.name: _described(server, self.report.get(server.name, {})) for server in self.servers}
        outbox = None if self.outbox is None else {"rows": self.outbox.rows, "oldestSeconds": self.outbox.oldest}
        return {**self.report, "status": self.state, **servers, "outbox": outbox, "reasons": list(self.reasons)}


def _described(server: Server, reported: dict[str, Any]) -> dict[str, Any]:
    """As /health has it; what was found later counts."""
    if server.breaker is None:
        return {**reported, **server.said}
    found = {"status": "healthy" if server.up else "unavailable", "connected": server.up}
    more = {"latencyMs": server.milliseconds, "breaker": server.breaker, **server.said}
    return {**reported, **found, **more} | ({"error": server.error} if server.error else {})


def check() -> Checked:
    """Look at everything. Each part costs at most its own timeout, about a second."""
    state, report = health.report()
    servers = look_at_servers(writes=True)
    look = OutboxLook()
    database = report["database"]["connected"]
    waiting = look.ask() if database else None
    reasons = list(_reasons(report, servers, waiting, look.error if database else ""))
    if state == "healthy" and reasons:
        state = "degraded"
    return Checked(state=state, reasons=reasons, servers=servers, outbox=waiting, report=report)


def _reasons(report: dict[str, Any], servers: Sequence[Server], waiting: Waiting | None, unread: str) -> Iterator[str]:
    """What is wrong, the worst first."""
    if not report["database"]["connected"]:
        yield f"the database does not answer: {report['database'].get('error', '')}"
    yield from map(_of_server, (server for server in servers if not server.up or _is_full(server)))
    for name, service in report["services"].items():
        if service["status"] == "failing":
            yield f"the service {name} fails: {service.get('errors')} errors, {service.get('loads')} loads in 5 minutes"
    if unread:
        yield f"the outbox cannot be read: {unread}"
    if waiting is not None and waiting.oldest is not None and waiting.oldest > OLD:
        yield _waits(waiting, well=all(server.up for server in servers))
    if not conf.enabled:
        yield "caching of entries is turned off (CACHE_PLATFORM['ENABLED'])"


def _of_server(server: Server) -> str:
    """Of one that is away or full."""
    if server.up:
        return f"{server.name} is full, so nothing more is stored: raise its maxmemory, or lower TTLs"
    what = "entries are not cached" if server.name == "redis" else "limits hold for each process by itself"
    return f"{server.name} is away, so {what}: {server.error}"


def _waits(waiting: Waiting, *, well: bool) -> str:
    """The outbox; while the servers are well, somebody should have emptied it."""
    text = f"{several(waiting.rows, 'write')} in the outbox, the oldest for {duration(waiting.oldest)}"
    return f"{text}: does a relay run (manage.py cache_relay)?" if well else text


def _is_full(server: Server) -> bool:
    """Whether a server that evicts nothing has used up its memory."""
    limit, used = server.said.get("maxmemory") or 0, server.said.get("used_memory") or 0
    return bool(limit) and server.said.get("maxmemory_policy") == "noeviction" and used >= limit
