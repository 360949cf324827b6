"""The real site under the real web server, for tests over HTTP."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from config.environment import BASE_DIR, Environment
from config.services.guard import children
from config.services.ports import free_port
from config.services.site import Site
from tests.services.forked_service import ForkedService

PASSWORD = "a-password-for-tests"
SECRET_KEY = "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz"


def base_environment(var_dir: Path, **variables: str) -> dict[str, str]:
    """This process's environment without the site's own variables, then what tests need, then `variables`."""
    own = {name.upper() for name in Environment.model_fields}
    kept = {name: value for name, value in os.environ.items() if name.upper().removesuffix("_FILE") not in own}
    needed = {
        "DJANGO_SETTINGS_MODULE": "tests.services.site_settings",
        "ENV_FILE": "",
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": SECRET_KEY,
        "VAR_DIR": str(var_dir),
    }
    return {**kept, **needed, **variables}


def migrate(environment: Mapping[str, str]) -> None:
    """Bring the database that `environment` names up to date, with the demo accounts and their password."""
    commands = (
        "import django; django.setup(); from django.core.management import call_command;"
        "call_command('migrate', verbosity=0); call_command('demo_accounts')"
    )
    subprocess.run(
        [sys.executable, "-c", commands],
        cwd=BASE_DIR,
        env={**environment, "DEMO_PASSWORD": PASSWORD},
        check=True,
        timeout=60,
    )


def copy_database(template: Path, target: Path) -> None:
    """Copy a SQLite database, whatever journal it has."""
    source, copy = sqlite3.connect(template), sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()


class SiteUnderTest:
    """Web processes of the site on a free port. Use as a context manager; `client` talks to it."""

    def __init__(self, environment: Mapping[str, str], *, workers: int) -> None:
        self.environment = dict(environment)
        self.workers = workers
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        port = free_port()
        self.environment = {"PORT": str(port), **self.environment}  # where platforms send people back to
        self._site = Site(environment=self.environment, port=port, workers=self.workers)
        self._service = ForkedService(self._site.web(), on_line=self.lines.append)
        self._service.wait_until_ready()
        self.client = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False, verify=False)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.stop()

    @property
    def url(self) -> str:
        """The site's address."""
        return self._site.url

    @property
    def pid(self) -> int:
        """The web server's main process id."""
        return self._service.pid

    def worker_pids(self) -> list[int]:
        """The process ids of the web workers, now."""
        return children(self.pid)

    def kill_worker(self, pid: int) -> None:
        """`kill -9` of one worker; the web server replaces it."""
        assert pid in self.worker_pids()
        os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop the web server in order, as the launcher does."""
        self._service.stop()
