"""The embedded Redis: a Valkey (or the Redis that REDIS_SERVER_BIN names) on a unix socket, its data in VAR_DIR."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.services.service import Service

PROBE_TIMEOUT = 0.5  # seconds


@dataclass(frozen=True, kw_only=True)
class RedisServer:
    """What to start. `maxmemory` is in the server's own notation (`256mb`).

    A full server refuses writes (noeviction) rather than evict queues, limits and generations.
    """

    binary: Path
    data: Path
    socket: Path
    maxmemory: str = "256mb"
    append_only: bool = True
    name: str = "redis"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def url(self) -> str:
        """The address for clients, as REDIS_URL takes it."""
        return f"unix://{self.socket}"

    def service(self) -> Service:
        """The service; creates the data folder."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Service(
            name=self.name,
            argv=(str(self.binary), *self._options()),
            environment=self.environment,
            folder=self.data,
            deadline=30.0,
            probe=lambda: answers(self.socket),
        )

    def _options(self) -> tuple[str, ...]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes" if self.append_only else "no",
            "save": "",
            "maxmemory": self.maxmemory,
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return tuple(part for name, value in options.items() for part in (f"--{name}", value))


def answers(path: Path) -> bool:
    """Whether the server at this unix socket answers PING with PONG (and is not loading its data any more)."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PROBE_TIMEOUT)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
