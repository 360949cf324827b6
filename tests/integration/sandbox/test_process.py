"""The process starts on the port it is told, and ends without leaving anything."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.sandbox.conftest import PATIENCE, ROOT, group_is_empty, running

WEATHER = "/v1/forecast?latitude=52.52&longitude=13.41&current=temperature_2m"


def failing_start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command, which is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0_and_no_process_left(number):
    """Both ways of stopping a service are a normal end, without a word on stderr."""
    with running() as (process, address):
        assert httpx.get(f"{address}{WEATHER}", verify=False).status_code == 200
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert said == ""
        assert group_is_empty(process)


def test_sigkill_leaves_no_process_and_no_listener():
    """There is but one process, so its death is the end."""
    with running() as (process, address):
        process.kill()
        process.wait(timeout=PATIENCE)
        assert group_is_empty(process)
        with pytest.raises(httpx.ConnectError):
            httpx.get(address, verify=False)


def test_it_ends_while_requests_are_held_open():
    """A request that mode timeout holds for two minutes does not delay the end by as much."""
    with running() as (process, address):
        httpx.post(
            f"{address}/_control/faults", json={"service": "weather", "mode": "timeout"}, verify=False
        ).raise_for_status()
        where = urlsplit(address)
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(f"GET {WEATHER} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            while httpx.get(f"{address}/_control/calls", verify=False).json()["weather"] < 1:
                continue  # bounded by the test's own timeout
            process.terminate()
            process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert group_is_empty(process)


def test_a_port_in_use_is_one_clear_line():
    """A second sandbox on the same port ends with 1 instead of sharing the requests of the first."""
    with running() as (_, address):
        port = str(urlsplit(address).port)
        ended = failing_start("--port", port)
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert len(ended.stderr.splitlines()) == 1
        assert port in ended.stderr
        assert httpx.get(address, verify=False).status_code == 200


def test_a_host_name_is_resolved():
    """`localhost` is as good as its number, which is what is printed."""
    with running("--host", "localhost", "--port", "0") as (_, address):
        assert urlsplit(address).hostname == "127.0.0.1"
        assert httpx.get(address, verify=False).status_code == 200


def test_a_port_out_of_range_is_one_clear_line():
    """No traceback for a typing error."""
    ended = failing_start("--port", "70000")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_two_sandboxes_run_side_by_side():
    """Each has its own port, counts and faults."""
    with running() as (_, one), running() as (_, other):
        assert one != other
        httpx.get(f"{one}{WEATHER}", verify=False)
        assert httpx.get(f"{one}/_control/calls", verify=False).json()["weather"] == 1
        assert httpx.get(f"{other}/_control/calls", verify=False).json()["weather"] == 0


def test_a_wrong_delay_setting_is_one_clear_line():
    """The variable is named, and nothing is started."""
    ended = failing_start("--port", "0", SANDBOX_DELAYS="maybe")
    assert ended.returncode == 1
    assert ended.stderr == "error: SANDBOX_DELAYS is 'maybe'; allowed are on (the default) and off\n"


def test_it_imports_nothing_of_the_site():
    """The stand-in for the outside world knows none of the apps."""
    program = (
        "import sandbox.asgi, sandbox.urls, sandbox.serving, sys; "
        "print({name.partition('.')[0] for name in sys.modules} & set(sys.argv[1:]))"
    )
    apps = ["config", "cache_platform", "accounts", "weather", "news", "dashboard"]
    ended = subprocess.run(
        [sys.executable, "-c", program, *apps], cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE
    )
    assert ended.stdout.strip() == "set()"
