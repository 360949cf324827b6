"""A service of the site, forked (see `forked`), because tests start a hundred. The launcher's own tests start services
as the launcher does."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from config.services.process import TAIL_LINES
from config.services.service import Service
from tests.services.forked import Forked
from tests.services.waiting import wait_until

START = 60.0  # seconds, on a machine with much else to do


class ForkedService:
    """`python -m` something. `on_line` gets each line of its log, and so does `tail`, of the newest."""

    def __init__(self, service: Service, *, on_line: Callable[[str], None] | None = None) -> None:
        python, option, module, *arguments = service.argv
        assert (python, option) == (sys.executable, "-m"), service.argv
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.ready_match: re.Match[str] | None = None
        self._service = service
        self._ready_lines = 0
        self._on_line = on_line
        self._forked = Forked(module, *arguments, environment=service.environment, leads=True)
        self._reader = threading.Thread(target=self._read, name=f"log of {service.name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._forked.pid

    @property
    def ended(self) -> bool:
        """Whether the program has ended."""
        return self._forked.ended

    def is_ready(self) -> bool:
        """Whether it has said what it says when it is ready, and answers."""
        service = self._service
        said = service.ready_line is None or self._ready_lines >= service.ready_count
        return said and (service.probe is None or service.probe())

    def wait_until_ready(self) -> None:
        """Return when it is; with its newest lines as the error where it ends before."""
        wait_until(lambda: self.ended or self.is_ready(), what=f"{self._service.name} is ready", timeout=START)
        if self.ended:
            self.wait(START)
            raise AssertionError("\n".join(self.tail))

    def stop(self, timeout: float = 30) -> int:
        """Ask it to end where it has not, and wait until it and what it left is gone; what it ended with."""
        if not self.ended:
            os.kill(self.pid, self._service.stop_signal)
            os.kill(self.pid, signal.SIGCONT)  # one that is paused could not hear the signal
        return self.wait(timeout)

    def kill(self) -> None:
        """`kill -9`: the program is gone at once, and so is what it left."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait(20)

    def wait(self, timeout: float) -> int:
        """What it ended with, within `timeout` seconds."""
        try:
            return self._forked.wait(timeout)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._reader.join(timeout)
            self._forked.end()

    def _read(self) -> None:
        while line := self._forked.hear():
            if text := line.rstrip():
                self._take(text)

    def _take(self, text: str) -> None:
        self.tail.append(text)
        pattern = self._service.ready_line
        if pattern is not None and (match := pattern.search(text)):
            self.ready_match = self.ready_match or match
            self._ready_lines += 1
        if self._on_line is not None:
            self._on_line(text)
