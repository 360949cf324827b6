"""The log's lines while a screen is drawn, where they would tear it."""

from __future__ import annotations

import logging
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

KEPT = 200


class LogLines:
    """A stream for log handlers that keeps the newest lines, with when they came."""

    def __init__(self) -> None:
        self._lines: deque[tuple[float, str]] = deque(maxlen=KEPT)

    def write(self, text: str) -> int:
        """Take lines in."""
        self._lines.extend((time.monotonic(), line) for line in text.splitlines() if line.strip())
        return len(text)

    def flush(self) -> None:
        """Nothing waits here."""

    def newest(self, *, within: float) -> str | None:
        """The newest line, if it is of the last `within` seconds."""
        if self._lines and time.monotonic() - self._lines[-1][0] <= within:
            return self._lines[-1][1]
        return None


@contextmanager
def log_lines_to(stream: Any) -> Iterator[None]:  # noqa: ANN401  # whatever has `write` and `flush`
    """Have handlers that write to this process's own streams write to `stream`; afterwards they write there again."""
    changed = []
    for handler in _handlers():
        before = handler.stream
        if before in {sys.stderr, sys.stdout, sys.__stderr__, sys.__stdout__}:
            handler.setStream(stream)
            changed.append((handler, before))
    try:
        yield
    finally:
        for handler, before in changed:
            handler.setStream(before)


@contextmanager
def off_terminals(name: str) -> Iterator[None]:
    """Keep what the logger `name` says below WARNING from terminals: whoever sits there is told by the command. All
    other handlers have it."""
    handlers = [handler for handler in _handlers() if getattr(handler.stream, "isatty", bool)()]

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.name != name or record.levelno >= logging.WARNING

    for handler in handlers:
        handler.addFilter(elsewhere)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(elsewhere)


def _handlers() -> list[logging.StreamHandler]:  # type: ignore[type-arg]  # of whatever stream
    loggers = [logging.getLogger(), *(each for each in logging.Logger.manager.loggerDict.values())]
    found = {
        handler: None
        for logger in loggers
        if isinstance(logger, logging.Logger)
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler)
    }
    return list(found)
