"""The launcher as a user starts it, for tests: its lines, its end, and what of it is still running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from config.environment import BASE_DIR
from config.services.guard import children
from tests.services.site import base_environment
from tests.services.waiting import wait_until

READY = re.compile(r"^ready (http://\S+)$")
SANDBOX = re.compile(r"^sandbox (http://\S+)$")
COMMAND = (sys.executable, "-m", "config.services")


def launcher_environment(var_dir: Path, *, port: int, **variables: str) -> dict[str, str]:
    """What the launcher gets: the developer's environment without the site's variables, then the test's."""
    given = {"PORT": str(port), "WORKERS": "1", "SANDBOX_DELAYS": "off", **variables}
    environment = base_environment(var_dir, **given)
    # Tests run by `make test` must not look like a launcher that make started.
    return {name: value for name, value in environment.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}


def marked(var_dir: Path) -> set[int]:
    """The ids of all processes that carry this VAR_DIR in their environment (Linux's /proc)."""
    mark = os.fsencode(f"VAR_DIR={var_dir}")
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def descendants(pid: int) -> set[int]:
    """The process ids below `pid`, itself included."""
    found = {pid}
    for child in children(pid):
        found |= descendants(child)
    return found


def command_of(pid: int) -> str:
    """The command line of a process; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Whether the process exists and is not just waiting to be collected."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class LauncherUnderTest:
    """One run of the launcher. Use as a context manager; whatever happens, nothing of it is left running."""

    def __init__(self, environment: Mapping[str, str], *, command: tuple[str, ...] = COMMAND) -> None:
        self.var_dir = Path(environment["VAR_DIR"])
        self._environment = dict(environment)
        self._command = command
        self.lines: list[str] = []
        self._seen: set[int] = set()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=BASE_DIR,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(20)
        self.wait_gone()
        self._reader.join(20)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self.lines.append(line.rstrip("\n"))

    @property
    def pid(self) -> int:
        """The process id of the command that was started."""
        return self._process.pid

    @property
    def text(self) -> str:
        """All that it has said so far."""
        return "\n".join(self.lines)

    def find(self, pattern: re.Pattern[str]) -> str | None:
        """The first group of the first line that matches."""
        return next((match[1] for line in self.lines if (match := pattern.match(line))), None)

    def wait_ready(self) -> str:
        """Wait for the ready line; returns the site's address."""
        wait_until(
            lambda: self.find(READY) or self._process.poll() is not None, what="the launcher says ready", timeout=60
        )
        url = self.find(READY)
        assert url is not None, self.text
        # Redis and PostgreSQL write their titles over their environment, so they are found as descendants.
        self._seen = descendants(self.pid)
        return url

    def processes(self) -> set[int]:
        """The ids of all processes of this run that are alive, whoever is their parent now."""
        return {pid for pid in self._seen | marked(self.var_dir) if is_alive(pid)}

    def process(self, command: str) -> int:
        """The id of the one process whose program's name ends in `command`."""
        found = [pid for pid in self.processes() if command_of(pid).partition(" ")[0].endswith(command)]
        assert len(found) == 1, f"{len(found)} processes of {command}"
        return found[0]

    def wait_end(self) -> int:
        """Wait for its end; returns the exit code."""
        code = self._process.wait(40)
        self._reader.join(20)
        return code

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the launcher alone."""
        self._process.send_signal(number)

    def wait_gone(self) -> None:
        """Wait until no process of this run is left."""
        wait_until(lambda: not self.processes(), what=f"all processes of {self.var_dir} are gone")

    def log(self, name: str) -> str:
        """What the log file of one service holds."""
        return (self.var_dir / "logs" / f"{name}.log").read_text()
