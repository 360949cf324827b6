"""Starts services in layers, watches them, and stops them in the opposite order."""

from __future__ import annotations

import os
import queue
import signal
import time
from types import FrameType

from config.services.console import Console
from config.services.process import Process
from config.services.service import Service, ServiceError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL = 0.05  # seconds between two looks at services that are starting
WATCH = 0.5  # seconds between two looks at the parent
SECOND_CTRL_C = 0.5  # seconds; what comes sooner is the same key press, sent to the whole group


class Interrupted(Exception):
    """Somebody asked the launcher to stop."""


class Supervisor:
    """The services of one run. Leave it (it is a context manager) to stop all of them, the last started first."""

    def __init__(self, console: Console, *, held: tuple[int, ...] = (), parent: int | None = None) -> None:
        """`held` are descriptors for the guards; with `parent`, its end counts as a signal to stop."""
        self._console = console
        self._held = held
        self._parent = parent
        self._layers: list[list[Process]] = []
        self._events: queue.SimpleQueue[Process | int] = queue.SimpleQueue()

    def __enter__(self) -> Supervisor:
        for number in STOP_SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup
            signal.signal(number, self._signalled)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        self._events.put(number)

    def start(self, *services: Service) -> list[Process]:
        """Start the services at once; they are one layer, stopped together."""
        layer: list[Process] = []
        self._layers.append(layer)
        for service in services:
            sink = self._console.sink(service.name)
            layer.append(Process(service, on_line=sink, on_end=self._events.put, held=self._held))
        return layer

    def wait_ready(self, *processes: Process) -> None:
        """Wait until all of them are ready. Raises ServiceError when one ends or is late, Interrupted when told to."""
        started = time.monotonic()
        waiting = list(processes)
        while waiting:
            self._look(POLL)
            waiting = [process for process in waiting if not process.is_ready()]
            for process in waiting:
                if time.monotonic() - started > process.service.deadline:
                    self._show_tail(process)
                    seconds = process.service.deadline
                    raise ServiceError(f"{process.name} did not become ready within {seconds:.0f} seconds")

    def run(self, service: Service) -> None:
        """Run a program to its end. Raises ServiceError when it fails or is late, Interrupted when told to."""
        process = Process(service, on_line=self._console.sink(service.name), held=self._held)
        self._layers.append([process])
        started = time.monotonic()
        while not process.wait(POLL):
            self._look(0.0)
            if time.monotonic() - started > service.deadline:
                raise ServiceError(f"{service.name} took longer than {service.deadline:.0f} seconds")
        if process.returncode != 0:
            self._show_tail(process)
            raise ServiceError(f"{service.name} failed ({process.end_text()})")

    def watch(self) -> None:
        """Wait for ever. Raises ServiceError when a service ends, Interrupted when told to stop."""
        while True:
            self._look(WATCH)

    def stop(self) -> None:
        """Stop all, the last layer first. A second Ctrl-C kills what is left at once."""
        begun = time.monotonic()
        for layer in reversed(self._layers):
            for process in layer:
                process.stop()
            while not all(process.ended for process in layer):
                event = self._next(POLL)
                if event == signal.SIGINT and time.monotonic() - begun > SECOND_CTRL_C:
                    self._kill()
        self._layers.clear()

    def _kill(self) -> None:
        for layer in self._layers:
            for process in layer:
                process.kill()

    def _look(self, timeout: float) -> None:
        """Wait `timeout` seconds for something to happen, and raise what it means."""
        event = self._next(timeout)
        if isinstance(event, Process):
            self._show_tail(event)
            raise ServiceError(f"{event.name} ended ({event.end_text()})")
        if event is not None or (self._parent is not None and os.getppid() != self._parent):
            raise Interrupted

    def _next(self, timeout: float) -> Process | int | None:
        try:
            return self._events.get(timeout=timeout) if timeout else self._events.get_nowait()
        except queue.Empty:
            return None

    def _show_tail(self, process: Process) -> None:
        self._console.say(f"the last lines of {process.name}:")
        for line in process.tail:
            self._console.say(f"    {line}")
