"""A running service: its guard, its log lines, its end."""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self

from config.services.service import Service

GUARD = Path(__file__).with_name("guard.py")
TAIL_LINES = 20
LONGEST_LINE = 65_536  # bytes; what is longer is broken, so that a program without line ends cannot fill the memory
LAST_WORDS = 0.5  # seconds to read on after the end, because a descendant may hold the log open

LineSink = Callable[[str], None]


class Process:
    """One service under its guard. `on_line` gets each line of its log; `on_end` is called once, from a thread."""

    def __init__(
        self,
        service: Service,
        *,
        on_line: LineSink | None = None,
        on_end: Callable[[Process], None] | None = None,
        held: tuple[int, ...] = (),
    ) -> None:
        """Start the program. `held` are descriptors that its guard keeps open as long as it lives (locks)."""
        self.service = service
        self.pid: int | None = None
        self.returncode: int | None = None
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.ready_match: re.Match[str] | None = None
        self._ready_lines = 0
        self._on_line = on_line
        self._on_end = on_end
        self._ended = threading.Event()
        self._named = threading.Event()
        self._link, guards_end = socket.socketpair()
        with guards_end:
            self._guard = self._spawn(guards_end, held)
        self._reader = threading.Thread(target=self._read, name=f"log of {service.name}", daemon=True)
        self._reader.start()

    def _spawn(self, guards_end: socket.socket, held: tuple[int, ...]) -> subprocess.Popen[bytes]:
        service = self.service
        # Isolated and without site, so that it starts in 20 ms; by its bare name in its own folder, so that
        # somebody who kills every `config.services` by pattern does not kill the guards with it.
        guard = [sys.executable, "-I", "-S", GUARD.name, str(int(service.stop_signal)), str(service.grace)]
        return subprocess.Popen(  # noqa: S603  # the programs are ours
            [*guard, str(service.folder), *service.argv],
            cwd=GUARD.parent,
            env=dict(service.environment),
            stdin=guards_end.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=held,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.wait()

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.name

    @property
    def ended(self) -> bool:
        """True once the program and everything below it is gone."""
        return self._ended.is_set()

    def program(self) -> int:
        """The program's process id (not its guard's)."""
        self._named.wait()
        if self.pid is None:
            raise ProcessLookupError(f"{self.name} never started")
        return self.pid

    def is_ready(self) -> bool:
        """Whether it has said what it says when it is ready, and answers."""
        service = self.service
        said = service.ready_line is None or self._ready_lines >= service.ready_count
        return said and (service.probe is None or service.probe())

    def stop(self) -> None:
        """Ask it to end; its guard kills it when its grace is over. Returns at once."""
        self._command(b"T")

    def kill(self) -> None:
        """End it without asking. Returns at once."""
        self._command(b"K")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all of it is gone, `timeout` seconds at most; true when it is."""
        return self._ended.wait(timeout)

    def end_text(self) -> str:
        """How it ended, for people: `exit code 3`, `signal SIGKILL`."""
        if self.returncode is None:
            return "its guard was killed"
        if self.returncode >= 0:
            return f"exit code {self.returncode}"
        return f"signal {signal.Signals(-self.returncode).name}"

    def _command(self, command: bytes) -> None:
        try:
            self._link.sendall(command)
        except OSError:
            return  # the guard is gone, and its end is being noted by the reader

    def _read(self) -> None:
        assert self._guard.stdout is not None
        output = self._guard.stdout
        with selectors.DefaultSelector() as selector, self._link, output:
            log, link = _Lines(output.fileno(), self._line), _Lines(self._link.fileno(), self._status)
            selector.register(output, selectors.EVENT_READ, log)
            selector.register(self._link, selectors.EVENT_READ, link)
            while not link.closed or not log.closed:
                events = selector.select(LAST_WORDS if link.closed else None)
                if not events:
                    break
                for key, _ in events:
                    if not key.data.read():
                        selector.unregister(key.fileobj)
            self._finish()

    def _finish(self) -> None:
        if self.returncode is None and self.pid is not None:
            _kill_group(self.pid)
        _kill_group(self._guard.pid)
        self._guard.wait()
        self._named.set()
        self._ended.set()
        if self._on_end is not None:
            self._on_end(self)

    def _line(self, text: str) -> None:
        self.tail.append(text)
        pattern = self.service.ready_line
        if pattern is not None and (match := pattern.search(text)):
            self.ready_match = self.ready_match or match
            self._ready_lines += 1
        if self._on_line is not None:
            self._on_line(text)

    def _status(self, text: str) -> None:
        what, _, number = text.partition(" ")
        if what == "pid":
            self.pid = int(number)
            self._named.set()
        else:
            self.returncode = int(number)


class _Lines:
    """Cuts what comes from a descriptor into lines."""

    def __init__(self, descriptor: int, sink: LineSink) -> None:
        self.closed = False
        self._descriptor = descriptor
        self._sink = sink
        self._rest = b""

    def read(self) -> bool:
        """Read once; false at the end of the file."""
        try:
            chunk = os.read(self._descriptor, LONGEST_LINE)
        except OSError:
            chunk = b""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk or len(self._rest) >= LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            if text := line.decode(errors="replace").rstrip():
                self._sink(text)
        self.closed = not chunk
        return bool(chunk)


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
