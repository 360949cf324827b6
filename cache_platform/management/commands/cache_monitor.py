"""`manage.py cache_monitor`: what the cache does at this moment, on a screen of its own or as JSON Lines."""

from __future__ import annotations

import argparse
import json
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser

from cache_platform.commands.monitor import Monitor, json_line
from cache_platform.commands.operator import FAILED, WARNING, WELL, OperatorCommand
from cache_platform.commands.pace import Clock
from cache_platform.commands.sampling import Sampler

LEAST_INTERVAL, LONGEST_INTERVAL = 0.2, 3600.0


def seconds(text: str) -> float:
    """An interval."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not LEAST_INTERVAL <= number <= LONGEST_INTERVAL:
        raise argparse.ArgumentTypeError(f"must be seconds from {LEAST_INTERVAL:g} to {LONGEST_INTERVAL:g}")
    return number


def times(text: str) -> int:
    """A count."""
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


class Command(OperatorCommand):
    """Ends by `q`, Ctrl-C, SIGTERM or after `--count` updates. Reads alone: it does not count as a reader."""

    help = "Watch reads, hits, loads and load times by policy, live."
    exits = (
        "exit code: 0 well, and whenever it is ended by hand; with --count 1 when some updates lacked the store, 2"
        " when all did"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How often, how many times, and JSON."""
        parser.add_argument("--interval", type=seconds, default=2.0, metavar="S", help="seconds between updates (2)")
        parser.add_argument("--count", type=times, metavar="N", help="end after so many updates")
        parser.add_argument("--json", action="store_true", help="JSON Lines on a terminal too, as in a pipe")

    def work(self, options: Mapping[str, Any]) -> int:
        """Watch until told to end."""
        watch = self._on_a_screen if self.is_terminal() and not options["json"] else self._as_lines
        with _ended_by_sigterm():
            try:
                return watch(options["interval"], options["count"])
            except KeyboardInterrupt:
                return WELL

    def _on_a_screen(self, interval: float, count: int | None) -> int:
        from cache_platform.commands.live import LiveMonitor  # needs Rich

        live = LiveMonitor(self.console(), Sampler(), interval=interval)
        live.run(count)
        return _code(live.unknown, live.updates)

    def _as_lines(self, interval: float, count: int | None) -> int:
        sampler, monitor = Sampler(), Monitor()
        updates = unknown = 0
        monitor.note(sampler.take())
        clock = Clock(interval)
        while count is None or updates < count:
            clock.step()
            time.sleep(clock.left)
            sample = sampler.take()
            self.stdout.write(json.dumps(json_line(sample, monitor.note(sample))))
            self.stdout.flush()
            updates += 1
            unknown += sample.totals is None
        return _code(unknown, updates)


def _code(unknown: int, updates: int) -> int:
    if not unknown:
        return WELL
    return FAILED if unknown == updates else WARNING


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM is as Ctrl-C, or the terminal would stay as it is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
