"""A service under its guard: small programs stand for servers, the guard is the real one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.services.guard import children
from config.services.process import Process
from config.services.service import Service
from tests.services.launcher import is_alive
from tests.services.waiting import wait_until

# A program that ignores polite requests, with a child in a session of its own that does so too.
STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setsid()
    while True:
        time.sleep(60)
print("child", child, flush=True)
while True:
    time.sleep(60)
"""
POLITE = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("up", flush=True)
signal.sigwait({signal.SIGTERM})
print("bye")
"""

Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python programs as services: `start(source, grace=…)`; none is left after the test."""
    with ExitStack() as stack:

        def run(source: str, *, grace: float = 20.0) -> Process:
            process = Process(_service(source, grace=grace))
            stack.callback(process.wait, 20)
            stack.callback(process.kill)
            return process

        yield run


def _service(source: str, *, grace: float = 20.0) -> Service:
    return Service(
        name="program", argv=(sys.executable, "-c", source), environment=dict(os.environ), grace=grace, folder=Path("/")
    )


def _said(process: Process, start: str) -> str:
    """What follows `start` in the first line that begins with it; waits for it."""
    wait_until(lambda: any(line.startswith(start) for line in process.tail), what=f"the program says {start}")
    return next(line for line in process.tail if line.startswith(start)).removeprefix(start).strip()


def test_the_end_of_a_program_is_reported_with_its_code_and_last_lines(start: Start) -> None:
    """A program that ends by itself: exit code and lines, an unfinished one too."""
    process = start("import sys; print('one'); sys.stderr.write('two'); sys.exit(3)")
    assert process.wait(20)
    assert process.end_text() == "exit code 3"
    assert sorted(process.tail) == ["one", "two"]


def test_a_program_killed_by_a_signal_is_reported_with_its_name(start: Start) -> None:
    """The signal's name, for people."""
    process = start("import os; os.kill(os.getpid(), 9)")
    assert process.wait(20)
    assert process.end_text() == "signal SIGKILL"


def test_a_program_that_does_not_exist_says_so() -> None:
    """No traceback of the guard: one line and exit code 127."""
    service = Service(name="program", argv=("/does/not/exist",), environment={}, folder=Path("/"))
    with Process(service) as process:
        assert process.wait(20)
        assert process.returncode == 127
        assert list(process.tail) == ["cannot start /does/not/exist: No such file or directory"]


def test_a_stop_is_a_signal_that_the_program_can_answer(start: Start) -> None:
    """The program ends in its own time and says its last words."""
    process = start(POLITE)
    _said(process, "up")
    process.stop()
    assert process.wait(20)
    assert process.returncode == 0
    assert process.tail[-1] == "bye"


def test_a_paused_program_can_be_stopped(start: Start) -> None:
    """SIGSTOP before the stop: it is woken to hear the signal."""
    process = start(POLITE)
    _said(process, "up")
    os.kill(process.program(), signal.SIGSTOP)
    process.stop()
    assert process.wait(20)
    assert process.returncode == 0


def test_a_program_that_ignores_the_signal_is_killed_after_its_grace(start: Start) -> None:
    """And so is its child, which left the process group and the session."""
    process = start(STUBBORN, grace=0.1)
    child = int(_said(process, "child"))
    process.stop()
    assert process.wait(20)
    assert process.end_text() == "signal SIGKILL"
    wait_until(lambda: not is_alive(child), what="the child is gone")


def test_a_kill_does_not_wait_for_the_grace(start: Start) -> None:
    """The second Ctrl-C: what ignores signals ends at once although its grace is long."""
    process = start(STUBBORN, grace=1000.0)
    child = int(_said(process, "child"))
    process.stop()
    process.kill()
    assert process.wait(20)
    wait_until(lambda: not is_alive(child), what="the child is gone")


def test_what_a_dead_program_leaves_behind_is_killed(start: Start) -> None:
    """Like the web server's workers, which go on serving when their main process is killed."""
    process = start(STUBBORN)
    child = int(_said(process, "child"))
    os.kill(process.program(), signal.SIGKILL)
    assert process.wait(20)
    assert not is_alive(child)


def test_a_killed_guard_takes_its_program_along(start: Start) -> None:
    """A service without its guard could outlive the launcher, so it ends, and the launcher hears of it."""
    process = start(POLITE)
    _said(process, "up")
    program = process.program()
    guard = next(pid for pid in children(os.getpid()) if program in children(pid))
    os.kill(guard, signal.SIGKILL)
    assert process.wait(20)
    assert process.end_text() == "its guard was killed"
    wait_until(lambda: not is_alive(program), what="the program is gone")


def test_a_killed_owner_takes_everything_along() -> None:
    """SIGKILL of the process that started a service: its guard sees the end of their link and stops the service."""
    owner = (
        "import time; from tests.integration.services.test_process import STUBBORN, Process, _said, _service;"
        "process = Process(_service(STUBBORN, grace=0.1)); "
        "print(process.program(), _said(process, 'child'), flush=True);"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        process.kill()
    assert len(pids) == 2
    wait_until(lambda: not any(is_alive(pid) for pid in pids), what="the service and its child are gone")
