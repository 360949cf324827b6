"""Actors (see actor.py) as a test handles them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.services.forked import Forked
from tests.services.waiting import wait_until

NAME = "thing:42"


class Actor:
    """One process. Use as a context manager."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)

    def start(self) -> Self:
        """Begin, without waiting until it is ready."""
        self._process = Forked("tests.integration.locks.actor", environment=self._environment)
        return self

    def ready(self) -> Self:
        """Once it has begun."""
        assert self.answer() == {"ready": True}
        return self

    def end(self) -> None:
        """However it is."""
        self._process.end()

    def tell(self, do: str, **order: Any) -> None:
        """Give an order without waiting for the answer."""
        self._process.tell(json.dumps({"do": do, **order}))

    def answer(self) -> dict[str, Any]:
        """To the order given first."""
        line = self._process.hear()
        assert line, f"the actor is gone: {self._process.wait(10)}"
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Give an order; its answer."""
        self.tell(do, **order)
        return self.answer()

    def gets(self, *, timeout: float = 10, wait: float = 0) -> bool:
        """Whether it could have the lock."""
        return bool(self.ask("acquire", name=NAME, timeout=timeout, wait=wait)["had"])

    @property
    def lost(self) -> bool:
        """What its lock says."""
        return bool(self.ask("look")["lost"])

    @property
    def backend(self) -> str:
        """Where it has its lock."""
        return str(self.ask("look")["backend"])

    def stop(self) -> None:
        """SIGSTOP."""
        os.kill(self._process.pid, signal.SIGSTOP)
        state = Path(f"/proc/{self._process.pid}/stat")
        wait_until(lambda: "T" in state.read_text().rpartition(")")[2][:3], what="it is stopped")

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self._process.pid, signal.SIGCONT)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end."""
        self.stop()
        yield
        self.go_on()

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()


ActorFactory = Callable[..., list[Actor]]
