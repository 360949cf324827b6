"""The embedded PostgreSQL: its programs from a wheel, on a unix socket, its data in VAR_DIR."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from config.services.account import Account
from config.services.folder import made_up_secret, private_folder
from config.services.service import Service, ServiceError

MAJOR = "18"
PORT = 5432  # only part of the socket's name: no TCP port is opened
ROLE = DATABASE = "site"
PROBE_TIMEOUT = 0.5  # seconds
# AuthenticationSASL: what PostgreSQL asks for when it is up and the password is to be checked by SCRAM (RFC 7677).
ASKS_FOR_PASSWORD = b"R", struct.pack("!i", 10)

# Only the site's role is let in, with its password; the superuser is not let in at all. The role is no superuser;
# CREATEDB lets tests make their own databases. The password comes by a here-document, because arguments can be seen
# in `ps`; no statement is logged, not even one that fails.
INITIALISE = """\
set -e
{initdb} > initdb.log 2>&1 || {{ cat initdb.log; exit 1; }}
echo 'local all {role} scram-sha-256' > data.new/pg_hba.conf
{single} > /dev/null << END
CREATE ROLE {role} LOGIN CREATEDB PASSWORD '$(cat "$1")';

CREATE DATABASE {database} OWNER {role};

END
mv data.new data
"""


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """What to start: `folder` holds the data, `sockets` the socket, `password` the site's password."""

    binaries: Path
    folder: Path
    sockets: Path
    password: Path
    account: Account
    connections: int = 100
    durable: bool = True
    name: str = "postgres"

    @property
    def url(self) -> str:
        """The address for clients, as DATABASE_URL takes it, with the password that `initialise` made up.

        `require_auth` (libpq) keeps the password from a server that would ask for it in the clear.
        """
        password, host = (quote(text, safe="") for text in (self.password.read_text("utf-8"), str(self.sockets)))
        return f"postgresql://{ROLE}:{password}@{host}:{PORT}/{DATABASE}?require_auth=scram-sha-256"

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder; it exists once it is complete."""
        return self.folder / "data"

    def check(self) -> None:
        """Raise ServiceError when the data is of another PostgreSQL release, or its password is gone."""
        version = self.data / "PG_VERSION"
        if version.exists() and (found := version.read_text(encoding="ascii").strip()) != MAJOR:
            raise ServiceError(
                f"the data in {self.data} is PostgreSQL {found}'s and this is PostgreSQL {MAJOR}:"
                " dump it with the older release, or choose another VAR_DIR"
            )
        if self.data.exists() and not self.password.exists():
            raise ServiceError(
                f"the password for the data in {self.data} is not in {self.password}: put it back, or choose another"
                f" VAR_DIR, or remove {self.folder} to begin without its data"
            )

    def initialise(self) -> Service | None:
        """What has to run to its end before the first start: it makes the data folder. None when there is one.

        Makes up the password. The folder is made under another name and renamed, so that an interrupted run leaves
        none that is half made. What is around it is ours, not the account's, so that only we and the server get there.
        """
        private_folder(self.folder)
        made_up_secret(self.password)
        if self.data.exists():
            return None
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self.account.own_folder(fresh)
        initdb = [
            *self._program("initdb"),
            *("-D", str(fresh), "-U", "postgres", "-A", "reject", "-E", "UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
        ]
        single = [
            *(*self._program("postgres"), "--single", "-j", "-D", str(fresh)),
            *("-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", "postgres"),
        ]
        script = INITIALISE.format(initdb=shlex.join(initdb), single=shlex.join(single), role=ROLE, database=DATABASE)
        return Service(
            name=self.name,
            argv=("/bin/sh", "-c", script, "sh", str(self.password)),
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
            "log_min_error_statement": "panic",  # a statement that fails has values in it, hashes of passwords too
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return tuple(part for name, value in options.items() for part in ("-c", f"{name}={value}"))


def accepts(path: Path) -> bool:
    """Whether the server at this unix socket is up: it asks the site for its password.

    Sends a StartupMessage of protocol 3.0; the answer's first byte is R (authentication) or E (starting up).
    https://www.postgresql.org/docs/18/protocol-message-formats.html
    """
    fields = b"".join(text.encode() + b"\0" for text in ("user", ROLE, "database", DATABASE, ""))
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PROBE_TIMEOUT)
            connection.connect(str(path))
            connection.sendall(struct.pack("!ii", 8 + len(fields), 196_608) + fields)
            answer = connection.recv(1024)
            return (answer[:1], answer[5:9]) == ASKS_FOR_PASSWORD
    except OSError:
        return False
