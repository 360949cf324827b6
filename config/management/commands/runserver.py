"""`manage.py runserver`: the site alone, for developers, with whatever is not given replaced by something smaller."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.management.commands.runserver import Command as StaticRunserver
from django.core.management import call_command
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from config.environment import get_environment
from config.services.process import Process
from config.services.site import sandbox

SANDBOX_PATIENCE = 20.0  # seconds


class Command(StaticRunserver):
    """Without REDIS_URL: memory. Without DATABASE_URL: SQLite. With PROVIDERS=sandbox: the sandbox as a child."""

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Prepare SQLite and say what stands in for what; then serve."""
        if get_environment().site_url is None:
            settings.SITE_URL = f"http://127.0.0.1:{self.port}"  # type: ignore[attr-defined]  # where platforms send people back to
        self._say_what_is_smaller()
        if get_environment().database_url is None:
            call_command("migrate", verbosity=0)
        super().inner_run(*args, **options)

    def run(self, **options: Any) -> None:
        """Start the sandbox once, outside the process that reloads; it ends with this process."""
        reloaded = os.environ.get(DJANGO_AUTORELOAD_ENV) == "true"
        if reloaded or settings.PROVIDERS != "sandbox" or get_environment().sandbox_url is not None:
            super().run(**options)
            return
        with Process(sandbox(dict(os.environ), port=0)) as child:
            settings.SANDBOX_URL = os.environ["SANDBOX_URL"] = self._address(child)
            self.stdout.write(f"sandbox {settings.SANDBOX_URL}")
            super().run(**options)

    def _address(self, child: Process) -> str:
        waited_for(lambda: child.ready_match is not None or child.ended)
        if child.ready_match is None:
            raise SystemExit("error: the sandbox did not start: " + " ".join(child.tail))
        return child.ready_match[1]

    def _say_what_is_smaller(self) -> None:
        env = get_environment()
        if env.redis is None:
            self.stdout.write("no REDIS_URL: entries live in this process's memory, tasks run in this process")
        if env.database_url is None:
            self.stdout.write(f"no DATABASE_URL: SQLite at {settings.DATABASES['default']['NAME']}")


def waited_for(condition: Callable[[], bool]) -> bool:
    """Whether `condition` came true within SANDBOX_PATIENCE."""
    deadline = time.monotonic() + SANDBOX_PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()
