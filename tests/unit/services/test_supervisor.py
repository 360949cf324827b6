"""The order in which services start and stop, and what ends a run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.services.console import Console
from config.services.service import Service, ServiceError
from config.services.supervisor import Interrupted, Supervisor

POLITE = """
import signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("up", flush=True)
signal.sigwait({signal.SIGTERM})
print("stopping", time.monotonic_ns(), flush=True)
"""


def service(name: str, source: str, *, deadline: float = 20.0, ready: str | None = "up", count: int = 1) -> Service:
    """A Python program as a service that is ready when it says `ready`."""
    return Service(
        name=name,
        argv=(sys.executable, "-c", source),
        environment={},
        deadline=deadline,
        ready_line=re.compile(ready) if ready else None,
        ready_count=count,
    )


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A console whose lines go nowhere and whose files are in `tmp_path`."""
    output = os.open(os.devnull, os.O_WRONLY)
    shown = Console(output, logs=tmp_path, names=(), colour=False)
    yield shown
    shown.close()
    os.close(output)


@pytest.fixture
def supervisor(console: Console) -> Iterator[Supervisor]:
    """A supervisor; the signal handlers it sets are taken back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
    try:
        with Supervisor(console) as running:
            yield running
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_layers_stop_in_the_opposite_order(supervisor: Supervisor) -> None:
    """What was started last, the site, stops before what it needs."""
    below = supervisor.start(service("redis", POLITE))
    above = supervisor.start(service("web", POLITE))
    supervisor.wait_ready(*below, *above)
    supervisor.stop()
    times = [int(process.tail[-1].split()[1]) for process in (*above, *below)]
    assert times == sorted(times)


def test_a_service_that_ends_ends_the_run(supervisor: Supervisor) -> None:
    """While waiting for another one, too."""
    supervisor.start(service("web", "raise SystemExit(3)"))
    waiting = supervisor.start(service("redis", POLITE, ready="never said"))
    with pytest.raises(ServiceError, match=r"web ended \(exit code 3\)"):
        supervisor.wait_ready(*waiting)


def test_a_service_that_is_late_ends_the_start(supervisor: Supervisor) -> None:
    """The line names it and how long was waited."""
    late = supervisor.start(service("web", POLITE, ready="never said", deadline=0.1))
    with pytest.raises(ServiceError, match="web did not become ready within 0 seconds"):
        supervisor.wait_ready(*late)


def test_a_service_of_several_processes_is_ready_when_all_said_so(supervisor: Supervisor) -> None:
    """The web server says a line for each of its workers; one of two is not enough."""
    started = supervisor.start(service("web", "print('worker up')\n" + POLITE, count=2))
    supervisor.wait_ready(*started)
    assert list(started[0].tail) == ["worker up", "up"]
    short = supervisor.start(service("web", POLITE, count=2, deadline=0.1))
    with pytest.raises(ServiceError, match="web did not become ready"):
        supervisor.wait_ready(*short)


def test_a_program_that_fails_ends_the_start(supervisor: Supervisor) -> None:
    """A preparation (migrations) has to succeed; one that is late fails."""
    supervisor.run(service("prepare", "print('done')", ready=None))
    with pytest.raises(ServiceError, match=r"prepare failed \(exit code 1\)"):
        supervisor.run(service("prepare", "raise SystemExit(1)", ready=None))
    with pytest.raises(ServiceError, match="prepare took longer than 0 seconds"):
        supervisor.run(service("prepare", POLITE, ready=None, deadline=0.1))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run(supervisor: Supervisor, number: signal.Signals) -> None:
    """Ctrl-C, `kill`, a closed terminal."""
    os.kill(os.getpid(), number)
    with pytest.raises(Interrupted):
        supervisor.watch()


def test_the_end_of_the_parent_ends_the_run(console: Console) -> None:
    """A process id that is not our parent's stands for a parent that is gone."""
    with pytest.raises(Interrupted):
        Supervisor(console, parent=0).watch()


def test_a_hangup_that_nohup_ignores_stays_ignored(console: Console) -> None:
    """`nohup make run` outlives its terminal."""
    script = (
        "import os, signal, sys; from config.services.supervisor import Supervisor;"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); Supervisor(None).__enter__();"
        "os.kill(os.getpid(), signal.SIGHUP); print(signal.getsignal(signal.SIGHUP).name)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "SIG_IGN\n"
