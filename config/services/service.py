"""What a service is: a program, its environment, and how to tell that it is ready."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.environment import BASE_DIR


@dataclass(frozen=True, kw_only=True)
class Service:
    """One program that the launcher starts.

    It is ready once `ready_line` has been found in `ready_count` lines of its log and `probe` answers true (each
    where given).
    `deadline` is the time for that, `grace` the time between `stop_signal` and SIGKILL; both in seconds.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path = BASE_DIR
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 8.0
    deadline: float = 60.0
    ready_line: re.Pattern[str] | None = None
    ready_count: int = 1
    probe: Callable[[], bool] | None = None


class ServiceError(Exception):
    """A service cannot be started, did not become ready, or ended; the text is one line for people."""
