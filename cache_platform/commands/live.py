"""The monitor on a screen of its own: drawn after each update, each key, and when the terminal's size changes."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.live import Live

from cache_platform.commands.keyboard import Keyboard, keyboard
from cache_platform.commands.log_lines import LogLines, log_lines_to
from cache_platform.commands.monitor import Monitor
from cache_platform.commands.pace import Clock
from cache_platform.commands.sampling import Sampler
from cache_platform.commands.screen import NOTE_LASTS, Choices, Screen

TICK = 0.25
"""Seconds after which it looks at the terminal's size, at the latest."""


class LiveMonitor:
    """Call `run` once. `console` is a terminal's."""

    def __init__(self, console: Console, sampler: Sampler, *, interval: float) -> None:
        self._console = console
        self._sampler = sampler
        self._monitor = Monitor()
        self._choices = Choices()
        self._interval = interval
        self._suspended = threading.Event()
        self.updates = 0
        self.unknown = 0
        """Updates that lacked the store."""

    def run(self, count: int | None) -> None:
        """Return when somebody pressed `q`, or after `count` updates, whose last one then stays on the terminal."""
        log = LogLines()
        with log_lines_to(log):
            screen = Screen(
                self._monitor, self._choices, interval=self._interval, log=lambda: log.newest(within=NOTE_LASTS)
            )
            with (
                keyboard() as keys,
                Live(screen, console=self._console, screen=True, auto_refresh=False) as live,
                self._suspensions(),
            ):
                self._monitor.note(self._sampler.take())
                clock = Clock(self._interval)
                while count is None or self.updates < count:
                    live.refresh()
                    clock.step()
                    if self._quit_meanwhile(clock, keys, screen, live):
                        return
                    sample = self._sampler.take()
                    self._monitor.note(sample)
                    self.updates += 1
                    self.unknown += sample.totals is None
        screen.padded = False
        self._console.print(screen)

    def _quit_meanwhile(self, clock: Clock, keys: Keyboard, screen: Screen, live: Live) -> bool:
        """Wait for the next update; whether somebody pressed `q`."""
        size = self._console.size
        while (left := clock.left) > 0:
            key = keys.wait(min(left, TICK))
            if self._suspended.is_set():
                self._suspend(keys, live)
            if key == "q":
                return True
            if key is not None:
                self._choices.press(key, page=screen.page)
            if key is not None or self._console.size != size:
                size = self._console.size
                live.refresh()
        return False

    @contextmanager
    def _suspensions(self) -> Iterator[None]:
        """Ctrl-Z gives the terminal back before it stops."""

        def note(_number: int, _frame: FrameType | None) -> None:
            self._suspended.set()

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTSTP, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, before)

    def _suspend(self, keys: Keyboard, live: Live) -> None:
        live.stop()
        keys.restore()
        os.kill(os.getpid(), signal.SIGSTOP)
        # Here it goes on, after `fg`.
        self._suspended.clear()
        keys.grab()
        live.start(refresh=True)
