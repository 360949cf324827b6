"""Actors (see actor.py) as a test handles them, and a line to Redis that can be cut for one of them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from config.services.service import Service
from tests.services.forked import Forked
from tests.services.forked_service import ForkedService
from tests.services.waiting import wait_until


class Actor:
    """One process. Use as a context manager."""

    def __init__(self, environment: Mapping[str, str], **settings: Any) -> None:
        self._environment = {**environment, "ACTOR_SETTINGS": json.dumps(settings)}

    def __enter__(self) -> Self:
        self._process = Forked("tests.faults.actor", environment=self._environment)
        assert self._answer() == {"ready": True}
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def tell(self, **order: Any) -> None:
        """Give an order without waiting for the answer."""
        self._process.tell(json.dumps(order))

    def ask(self, **order: Any) -> dict[str, Any]:
        """Give an order; its answer."""
        self.tell(**order)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.hear()
        assert line, f"the actor is gone: {self._process.wait(10)}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def read(self, id: int) -> Any:
        """The value that the platform gives this process."""
        return self.ask(do="read", id=id)["value"]

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end."""
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: "T" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3], what="it is stopped")
        yield
        os.kill(pid, signal.SIGCONT)

    def wait_until_dead(self) -> None:
        """Return once it has killed itself."""
        assert self._process.wait(20) == -signal.SIGKILL


class RelayProcess:
    """`manage.py cache_relay`. Use as a context manager."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __enter__(self) -> Self:
        service = Service(
            name="relay",
            argv=(sys.executable, "-m", "django", "cache_relay"),
            environment=self._environment,
            ready_line=re.compile("relay ready"),
        )
        self._service = ForkedService(service)
        self._service.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._service.stop() == 0

    def kill(self) -> None:
        """`kill -9`; a new one is started in its place."""
        self._service.kill()
        self.__enter__()


class Line:
    """A unix socket that leads to Redis until it is cut. Use as a context manager."""

    def __init__(self, folder: Path, target: Path) -> None:
        self.socket = folder / "line.sock"
        self._target = target
        self._ends: list[socket.socket] = []
        self._cut = False

    def __enter__(self) -> Self:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.socket))
        self._listening.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._close(self._listening)
        self.cut()

    @property
    def url(self) -> str:
        """As REDIS_URL takes it."""
        return f"unix://{self.socket}"

    def cut(self) -> None:
        """End all connections, and take no more."""
        self._cut = True
        for end in self._ends:
            self._close(end)
        self._ends.clear()

    def mend(self) -> None:
        """Take connections again."""
        self._cut = False

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self._cut:
                near.close()
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self._target))
            self._ends += [near, far]
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        self._close(source)
        self._close(sink)

    @staticmethod
    def _close(end: socket.socket) -> None:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
