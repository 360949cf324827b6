"""A server in one line."""

from __future__ import annotations

from cache_platform.commands.looking import Server
from cache_platform.commands.words import amount, duration, milliseconds, several, size


def facts(server: Server) -> list[str]:
    """What there is to say of it, the most important first."""
    said = server.said
    found = []
    if server.milliseconds is not None and server.up:
        found.append(milliseconds(server.milliseconds))
    if (version := said.get("valkey_version") or said.get("redis_version")) is not None:
        found.append(f"{'Valkey' if 'valkey_version' in said else 'Redis'} {version}")
    if (used := said.get("used_memory")) is not None:
        limit = said.get("maxmemory")
        found.append(f"{size(used)} of {size(limit)}" if limit else f"{size(used)}")
    if (clients := said.get("connected_clients")) is not None:
        found.append(several(clients, "client"))
    if (evicted := said.get("evicted_keys")) is not None:
        found.append(f"{amount(evicted)} evicted")
    if server.breaker is not None:
        found.append(f"breaker {server.breaker}")
    if (up := said.get("uptime_in_seconds")) is not None:
        found.append(f"up {duration(up)}")
    return found
