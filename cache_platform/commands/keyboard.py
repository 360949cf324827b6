"""Keys, one by one and without a prompt, where somebody sits at a terminal."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

NAMES = {
    "\x1b[A": "up",
    "\x1b[B": "down",
    "\x1bOA": "up",
    "\x1bOB": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
}


KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|.", re.DOTALL)
"""What a terminal sends for one key."""


class Keyboard:
    """Keys of the terminal `descriptor`; none without one."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._typed: deque[str] = deque()
        self._before = termios.tcgetattr(descriptor) if descriptor is not None else None

    def grab(self) -> None:
        """From now on keys come at once and are not shown."""
        if self._descriptor is not None:
            tty.setcbreak(self._descriptor)

    def restore(self) -> None:
        """Leave the terminal as it was."""
        if self._descriptor is not None and self._before is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str | None:
        """The next key within `seconds`, by its letter or a name of NAMES; None when there was none."""
        if self._descriptor is None:
            time.sleep(seconds)
            return None
        if not self._typed:
            ready, _, _ = select.select([self._descriptor], [], [], seconds)
            if not ready:
                return None
            text = os.read(self._descriptor, 256).decode(errors="replace")
            if not text:  # whoever typed has hung up
                self._descriptor = None
                return None
            self._typed.extend(KEY.findall(text))
        key = self._typed.popleft()
        return NAMES.get(key, key)


@contextmanager
def keyboard() -> Iterator[Keyboard]:
    """Keys of stdin, where it is a terminal; afterwards it is as it was."""
    keys = Keyboard(_terminal())
    keys.grab()
    try:
        yield keys
    finally:
        keys.restore()


def _terminal() -> int | None:
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError, AttributeError):
        return None
    return descriptor if os.isatty(descriptor) else None
