"""The site's Celery worker, as a real process that a test may kill."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Self

from config.services.process import Process
from config.services.site import Site
from tests.services.waiting import wait_until


class WorkerUnderTest:
    """A worker of the site that `environment` describes. With `short_leases` what it leaves when it is killed is taken
    over after two seconds. Use as a context manager."""

    def __init__(self, environment: Mapping[str, str], *, short_leases: bool = False) -> None:
        settings = {"DJANGO_SETTINGS_MODULE": "tests.services.short_leases"} if short_leases else {}
        self._site = Site(environment={**environment, **settings}, port=int(environment["PORT"]), workers=1)
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        self._process = Process(self._site.worker(), on_line=self.lines.append)
        wait_until(
            lambda: self._process.ended or self._process.is_ready(), what="the worker says it is ready", timeout=60
        )
        assert not self._process.ended, "\n".join(self.lines)
        return self

    def __exit__(self, *_: object) -> None:
        if not self._process.ended:
            self._process.stop()
        assert self._process.wait(30)

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.program()

    def kill(self) -> None:
        """`kill -9`: it is gone at once, with what it was at."""
        os.kill(self.pid, signal.SIGKILL)
        assert self._process.wait(20)
