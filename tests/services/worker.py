"""The site's Celery worker, as a real process that a test may kill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from config.services.site import Site
from tests.services.forked_service import ForkedService


class WorkerUnderTest:
    """A worker of the site that `environment` describes. With `short_leases` what it leaves when it is killed is taken
    over after two seconds. Use as a context manager."""

    def __init__(self, environment: Mapping[str, str], *, short_leases: bool = False) -> None:
        settings = {"DJANGO_SETTINGS_MODULE": "tests.services.short_leases"} if short_leases else {}
        self._site = Site(environment={**environment, **settings}, port=int(environment["PORT"]), workers=1)
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        self._service = ForkedService(self._site.worker(), on_line=self.lines.append)
        self._service.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self._service.stop()

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._service.pid

    def kill(self) -> None:
        """`kill -9`: it is gone at once, with what it was at."""
        self._service.kill()
