"""A sandbox of its own for each module, as a real process on a free port."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 60
"""Seconds after which a process that should have ended is a failure: no test depends on less."""


@contextmanager
def running(*arguments: str, delays: str = "off") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `python -m sandbox` in a process group of its own; yield it and its address, and end it."""
    environment = os.environ | {"SANDBOX_DELAYS": delays, "DJANGO_SETTINGS_MODULE": "config.settings"}
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *(arguments or ("--port", "0"))],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("sandbox http://"), line or process.communicate(timeout=PATIENCE)
            yield process, line.split()[1]
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=PATIENCE)


def group_is_empty(process: subprocess.Popen[str]) -> bool:
    """Return whether no process of the group that `process` led is left."""
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return the address of a sandbox without delays."""
    with running() as (_, found):
        yield found


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    """Return a client of that sandbox, whose counts and faults are those of a fresh one."""
    with httpx.Client(base_url=address, timeout=PATIENCE, verify=False) as found:
        found.post("/_control/reset").raise_for_status()
        yield found
        found.post("/_control/reset").raise_for_status()
