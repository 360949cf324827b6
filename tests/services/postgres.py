"""A real PostgreSQL for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from config.services import account, wheels
from config.services.folder import VarDir
from config.services.postgres import PORT, PostgresServer
from config.services.process import Process
from tests.services.waiting import wait_until


class PostgresUnderTest:
    """A server with an empty database `site`. Use as a context manager."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._var_dir = VarDir(folder)
        self._durable = durable

    def __enter__(self) -> Self:
        self._var_dir.__enter__()
        binaries = wheels.postgres_folder()
        self._server = PostgresServer(
            binaries=binaries,
            folder=self._var_dir.path / "postgres",
            sockets=self._var_dir.sockets() / "postgres",
            password=self._var_dir.path / "secrets" / "postgres_password",
            account=account.for_postgres(binaries=binaries),
            durable=self._durable,
        )
        initialise = self._server.initialise()
        assert initialise is not None
        self.log: list[str] = []
        process = Process(initialise, on_line=self.log.append)
        assert process.wait(60)
        assert process.returncode == 0, "\n".join(process.tail)
        self._process = Process(self._server.service(), on_line=self.log.append)
        wait_until(self._process.is_ready, what="the test's PostgreSQL lets us in")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()
        assert self._process.wait(20)
        self._var_dir.__exit__()

    @property
    def url(self) -> str:
        """The address, as DATABASE_URL takes it, with the password."""
        return self._server.url

    @property
    def data(self) -> Path:
        """The folder of the data."""
        return self._server.data

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return self._server.sockets / f".s.PGSQL.{PORT}"

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.program()
