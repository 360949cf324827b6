"""What the launcher shows and keeps of the services' logs."""

from __future__ import annotations

import os
import queue
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TextIO

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92)  # ANSI foreground colours, one service each
WAITING_LINES = 5_000  # lines for a terminal that does not read; later ones go to the files only
LARGEST_LOG = 5_000_000  # bytes; then the file becomes `<name>.log.1`
FLUSH_TIMEOUT = 1.0  # seconds for the last lines at the end


class LogFile:
    """One service's log, bounded: the file being written and the one before it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = 0
        self._file = self._fresh()

    def _fresh(self) -> TextIO:
        if self.path.exists():
            self.path.replace(self.path.with_name(self.path.name + ".1"))
        self._size = 0
        return self.path.open("w", encoding="utf-8", buffering=1)

    def write(self, text: str) -> None:
        """Add one line."""
        if self._size > LARGEST_LOG:
            self._file.close()
            self._file = self._fresh()
        self._size += self._file.write(f"{text}\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Console:
    """Writes lines to a descriptor from a thread of its own, so that a reader who stops reading stops no service."""

    def __init__(self, output: int, *, logs: Path, names: tuple[str, ...], colour: bool) -> None:
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._output = output
        self._logs = logs
        self._width = max(map(len, names), default=0)
        self._colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)} if colour else {}
        self._files: dict[str, LogFile] = {}
        self._queue: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self._writer = threading.Thread(target=self._write, name="console", daemon=True)
        self._writer.start()

    def say(self, text: str) -> None:
        """Show a line of the launcher's own."""
        self._put(text)

    def sink(self, name: str) -> Callable[[str], None]:
        """Where the service `name` shall send its lines: shown with its name before them, and kept in its file."""
        log = self._files.get(name)
        if log is None:
            log = self._files[name] = LogFile(self._logs / f"{name}.log")
        prefix = self.prefix(name)

        def take(text: str) -> None:
            log.write(text)
            self._put(prefix + text)

        return take

    def prefix(self, name: str) -> str:
        """What stands before each line of the service `name`."""
        padded = f"{name:<{self._width}} | "
        return f"\033[{self._colours[name]}m{padded}\033[0m" if name in self._colours else padded

    def close(self) -> None:
        """Show what is waiting, for a second at most, and close the files."""
        self._finish()
        self._writer.join(FLUSH_TIMEOUT)
        for log in self._files.values():
            log.close()

    def _finish(self) -> None:
        """Tell the writer to end; in a full queue the oldest line makes room."""
        while True:
            try:
                self._queue.put_nowait(None)
            except queue.Full:
                with suppress(queue.Empty):
                    self._queue.get_nowait()
            else:
                return

    def _put(self, text: str) -> None:
        try:
            self._queue.put_nowait(text)
        except queue.Full:
            return  # the terminal does not read; the line is in its file

    def _write(self) -> None:
        while (text := self._queue.get()) is not None:
            rest = f"{text}\n".encode()
            while rest:
                rest = rest[self._write_some(rest) :]

    def _write_some(self, data: bytes) -> int:
        """Write what goes; all of `data` counts as written once the reader is gone."""
        try:
            return os.write(self._output, data)
        except BlockingIOError:  # somebody made the terminal non-blocking
            select.select([], [self._output], [])
            return 0
        except OSError:
            return len(data)


def wants_colour(output: int) -> bool:
    """Whether colours are welcome: on a terminal, unless NO_COLOR (https://no-color.org) is set."""
    return os.isatty(output) and not os.environ.get("NO_COLOR")
