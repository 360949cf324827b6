"""Threads that take one step at a time: each stops at every pause it comes to, until it is told to go on.

They live as long as an exploration and are given one job after the other, so that thousands of schedules cost neither
threads nor database connections.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from django.db import connections

PATIENCE = 5.0
"""Seconds after which a step that does not end fails the test. No schedule needs a lock that a paused thread has."""
RETURNED = "returns"
WAITS = "waits for another"


class Stopped(BaseException):
    """Raised out of a pause when the exploration is over."""


class Actor(threading.Thread):
    """A thread with database connections of its own. One that does not pause runs on until it returns, or until it
    waits for another actor."""

    def __init__(self, name: str, *, pauses: bool = True) -> None:
        super().__init__(name=name, daemon=True)
        self.pauses = pauses
        self.value: Any = None
        self.error: BaseException | None = None
        self._job: Callable[[], Any] = lambda: None
        self._told: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._came_to: SimpleQueue[str] = SimpleQueue()

    def __enter__(self) -> Actor:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._told.put(None)
        self.join(PATIENCE)
        assert not self.is_alive(), f"the {self.name} does not end"

    def begin(self, job: Callable[[], Any]) -> None:
        """Have the next step be the first one of `job`."""
        self._job, self.value, self.error = job, None, None

    def step(self) -> str:
        """Go on to the next pause; its name, or RETURNED."""
        self._told.put(self._job)
        return self.wait()

    def wait(self) -> str:
        """Where the step under way ends."""
        try:
            return self._came_to.get(timeout=PATIENCE)
        except Empty:
            raise AssertionError(f"the {self.name} comes to no pause") from None

    def report(self, name: str) -> None:
        """From inside: say where this thread is, and run on."""
        self._came_to.put(name)

    def pause(self, name: str) -> None:
        """From inside: say where this thread is, and wait to be told to go on."""
        self.report(name)
        if self._told.get() is None:
            raise Stopped

    def run(self) -> None:
        """Do jobs until there are no more."""
        try:
            while (job := self._told.get()) is not None:
                try:
                    self.value = job()
                except Exception as error:  # the schedule's verdict says what it means
                    self.error = error
                self.report(RETURNED)
        except Stopped:
            pass
        finally:
            connections.close_all()


def pause(name: str) -> None:
    """Stop here when the present thread is an actor that pauses."""
    thread = threading.current_thread()
    if isinstance(thread, Actor) and thread.pauses:
        thread.pause(name)


def about_to_wait() -> None:
    """Say that the present thread, an actor that does not pause, is about to wait for another thread's load."""
    thread = threading.current_thread()
    if isinstance(thread, Actor) and not thread.pauses:
        thread.report(WAITS)
