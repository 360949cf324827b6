"""The embedded PostgreSQL: its programs from a wheel, on a unix socket, its data in VAR_DIR."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.services.account import Account
from config.services.service import Service, ServiceError

MAJOR = "18"
PORT = 5432  # only part of the socket's name: no TCP port is opened
ROLE = DATABASE = "site"
PROBE_TIMEOUT = 0.5  # seconds
# The site's role is not a superuser; CREATEDB lets tests make their own databases.
CREATE_DATABASE = f"CREATE ROLE {ROLE} LOGIN CREATEDB;\n\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n\n"


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """What to start: `folder` holds the data, `sockets` the socket; both belong to `account`."""

    binaries: Path
    folder: Path
    sockets: Path
    account: Account
    connections: int = 100
    durable: bool = True
    name: str = "postgres"

    @property
    def url(self) -> str:
        """The address for clients, as DATABASE_URL takes it."""
        return f"postgresql://{ROLE}@{quote(str(self.sockets), safe='')}:{PORT}/{DATABASE}"

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder; it exists once it is complete."""
        return self.folder / "data"

    def check(self) -> None:
        """Raise ServiceError when the data is of another PostgreSQL release."""
        version = self.data / "PG_VERSION"
        if version.exists() and (found := version.read_text(encoding="ascii").strip()) != MAJOR:
            raise ServiceError(
                f"the data in {self.data} is PostgreSQL {found}'s and this is PostgreSQL {MAJOR}:"
                " dump it with the older release, or choose another VAR_DIR"
            )

    def initialise(self) -> Service | None:
        """What has to run to its end before the first start: it makes the data folder. None when there is one.

        The folder is made under another name and renamed, so that an interrupted run leaves none that is half made.
        """
        self.account.own_folder(self.folder)
        if self.data.exists():
            return None
        fresh = self.folder / "data.new"
        initdb = [
            *self._program("initdb"),
            *("-D", str(fresh), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
        ]
        single = [*self._program("postgres"), "--single", "-j", "-D", str(fresh), "postgres"]
        script = (
            f"rm -rf data.new; {shlex.join(initdb)} > initdb.log 2>&1 || {{ cat initdb.log; exit 1; }}; "
            f'printf %s "$1" | {shlex.join(single)} > /dev/null && mv data.new data'
        )
        return Service(
            name=self.name,
            argv=("/bin/sh", "-c", script, "sh", CREATE_DATABASE),
            environment=self._environment(),
            folder=self.folder,
        )

    def service(self) -> Service:
        """The server itself; creates the socket's folder. SIGINT stops it at once, SIGTERM would wait for clients."""
        self.account.own_folder(self.sockets)
        return Service(
            name=self.name,
            argv=(*self._program("postgres"), "-D", str(self.data), *self._options()),
            environment=self._environment(),
            folder=self.folder,
            stop_signal=signal.SIGINT,
            probe=lambda: accepts(self.sockets / f".s.PGSQL.{PORT}"),
        )

    def _program(self, name: str) -> tuple[str, ...]:
        return (*self.account.prefix, str(self.binaries / name))

    def _environment(self) -> dict[str, str]:
        """Next to nothing, because PostgreSQL reads PG* variables of its own."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "TZ": "UTC",
            "VAR_DIR": str(self.folder.parent),
        }

    def _options(self) -> tuple[str, ...]:
        options = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": str(self.connections),
            "shared_buffers": "64MB",
            "max_wal_size": "256MB",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "io_method": "sync",
            "jit": "off",
            "log_checkpoints": "off",
            "timezone": "UTC",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return tuple(part for name, value in options.items() for part in ("-c", f"{name}={value}"))


def accepts(path: Path) -> bool:
    """Whether the server at this unix socket lets the site in.

    Sends a StartupMessage of protocol 3.0; the first byte of the answer is R (authenticated) or E (starting up).
    https://www.postgresql.org/docs/18/protocol-message-formats.html
    """
    fields = b"".join(text.encode() + b"\0" for text in ("user", ROLE, "database", DATABASE, ""))
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PROBE_TIMEOUT)
            connection.connect(str(path))
            connection.sendall(struct.pack("!ii", 8 + len(fields), 196_608) + fields)
            accepted = connection.recv(1) == b"R"
            connection.sendall(b"X" + struct.pack("!i", 4))
            return accepted
    except OSError:
        return False
