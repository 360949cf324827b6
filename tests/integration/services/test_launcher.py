"""The launcher as a whole: everything it starts is the real thing."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from config.services.ports import free_port
from tests.services.launcher import COMMAND, SANDBOX, LauncherUnderTest, command_of, is_alive, launcher_environment
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest

PASSWORD_LINE = re.compile(r"^accounts ada, grace, admin \(staff\); password: (\S+) ")
STARTED = ("redis", "postgres", "sandbox", "prepare", "relay", "web", "worker", "beat")

Launch = Callable[..., LauncherUnderTest]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Start launchers: `launch(var_dir, **variables)`; none is left after the test."""
    with ExitStack() as stack:

        def start(
            var_dir: Path, *, port: int | None = None, command: tuple[str, ...] = COMMAND, **variables: str
        ) -> LauncherUnderTest:
            environment = launcher_environment(var_dir, port=port or free_port(), **variables)
            return stack.enter_context(LauncherUnderTest(environment, command=command))

        yield start


def deep_folder(tmp_path: Path) -> Path:
    """A folder whose path is 150 characters long."""
    missing = 150 - len(str(tmp_path)) - 1
    return tmp_path / ("d" * missing)


def database(var_dir: Path) -> psycopg.Connection:
    """A connection to the embedded database, as the site makes it."""
    return psycopg.connect((var_dir / "secrets" / "given" / "database_url").read_text())


def change_password(var_dir: Path, username: str, encoded: str) -> None:
    """Store a password of an account, as `manage.py changepassword` would."""
    with database(var_dir) as connection:
        connection.execute("UPDATE accounts_user SET password = %s WHERE username = %s", (encoded, username))


def password_of(var_dir: Path, username: str) -> str:
    """What is stored as an account's password."""
    with database(var_dir) as connection:
        row = connection.execute("SELECT password FROM accounts_user WHERE username = %s", (username,)).fetchone()
    assert row is not None
    return row[0]


def assert_hidden(secret: str, run: LauncherUnderTest) -> None:
    """The secret is in no process's arguments and environment, in no log, and in nothing that was printed."""
    assert secret not in run.text
    assert not [path for path in (run.var_dir / "logs").iterdir() if secret in path.read_text()]
    for pid in run.processes():
        assert secret not in command_of(pid)
        assert secret.encode() not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_deep_var_dir_starts_serves_stops_and_starts_again(tmp_path: Path, launch: Launch) -> None:
    """With a path of 150 characters all servers come up; SIGTERM stops all of them, with exit code 0.

    The second run finds its data and secrets, keeps a demo account's password that was changed, and stops when
    `make` is killed, which can tell nobody.
    """
    var_dir = deep_folder(tmp_path)
    assert len(str(var_dir)) == 150
    run = launch(var_dir)
    url = run.wait_ready()
    sandbox = run.find(SANDBOX)
    password = run.find(PASSWORD_LINE)

    assert httpx.get(f"{url}/health/ready", trust_env=False, verify=False).status_code == 200
    assert sandbox is not None
    assert httpx.get(f"{sandbox}/_control/calls", trust_env=False, verify=False).status_code == 200
    kept = var_dir / "secrets" / "demo_password"
    assert kept.read_text() == password
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert all(run.log(name) for name in STARTED)
    change_password(var_dir, "ada", "somebody$chose$this")
    assert_hidden((var_dir / "secrets" / "postgres_password").read_text(), run)
    sockets = (var_dir / "sockets").readlink()

    run.send(signal.SIGTERM)
    assert run.wait_end() == 0
    assert run.processes() == set()
    assert not sockets.exists()

    caller = "import subprocess, sys; subprocess.run(sys.argv[1:], check=False)"
    again = launch(var_dir, command=(sys.executable, "-c", caller, *COMMAND, "--stop-with-parent"))
    again.wait_ready()
    assert again.find(PASSWORD_LINE) == password
    assert again.find(SANDBOX) == sandbox
    assert password_of(var_dir, "ada") == "somebody$chose$this"
    again.send(signal.SIGKILL)
    again.wait_gone()


@pytest.mark.long
def test_two_sites_side_by_side_live_and_die_alone(tmp_path: Path, launch: Launch) -> None:
    """SIGKILL of one launcher leaves no process of its own and the other site running.

    When one service of the other site dies, all of that site stops: it says which and how, shows its last lines,
    and ends with 1.
    """
    first, second = launch(tmp_path / "first"), launch(tmp_path / "second")
    first.wait_ready()
    url = second.wait_ready()
    assert first.find(SANDBOX) != second.find(SANDBOX)

    first.send(signal.SIGKILL)
    first.wait_gone()
    assert httpx.get(f"{url}/health/ready", trust_env=False, verify=False).status_code == 200

    intruder = launcher_environment(tmp_path / "second", port=free_port())
    refused = subprocess.run(COMMAND, env=intruder, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert f"in use by another run (process {second.pid})" in refused.stderr

    os.kill(second.process("/valkey-server"), signal.SIGKILL)
    assert second.wait_end() == 1
    assert "Ready to accept connections" in second.text.partition("the last lines of redis:")[2]
    assert second.lines[-1] == "error: redis ended (signal SIGKILL)"
    assert second.processes() == set()


def test_given_servers_are_used_instead_of_embedded_ones(
    tmp_path: Path, launch: Launch, redis_server: RedisUnderTest, shared_sandbox: SandboxUnderTest
) -> None:
    """With REDIS_URL, DATABASE_URL and SANDBOX_URL none of the three is started; secrets are in no environment.

    A VAR_DIR that others may read stays as it is, and all that is put there is closed to them.
    """
    database = tmp_path / "given.sqlite3"
    var_dir = tmp_path / "var"
    var_dir.mkdir()
    var_dir.chmod(0o755)
    run = launch(
        var_dir,
        REDIS_URL=redis_server.url,
        DATABASE_URL=f"sqlite:///{database}",
        SANDBOX_URL=shared_sandbox.url,
        DEMO_PASSWORD="chosen-by-the-tester",
        AWS_SECRET_ACCESS_KEY="of-no-concern-to-the-site",
    )
    run.wait_ready()
    assert "password: the one in DEMO_PASSWORD" in run.text
    assert database.exists()
    assert not (var_dir / "redis").exists()
    assert not (var_dir / "postgres").exists()
    assert run.find(SANDBOX) is None
    assert {path.name for path in var_dir.iterdir() if path.stat().st_mode & 0o077} == set()
    for pid in run.processes():
        if pid != run.pid:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            assert b"only-for-tests-" not in environment
            assert b"chosen-by-the-tester" not in environment
            assert b"of-no-concern" not in environment

    run.send(signal.SIGTERM)
    assert run.wait_end() == 0
    assert not (var_dir / "secrets" / "given").exists()
    assert is_alive(redis_server.pid)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"WORKERS": "many"}, r"error: WORKERS: .*integer.*"),
        ({"REDIS_URL": "http://127.0.0.1"}, r"error: REDIS_URL: must start with redis://.*"),
        ({"REDIS_SERVER_BIN": "/does/not/exist"}, r"error: REDIS_SERVER_BIN: /does/not/exist is not a program.*"),
    ],
)
def test_a_wrong_environment_is_one_line(tmp_path: Path, launch: Launch, variables: dict[str, str], line: str) -> None:
    """The line names the variable and says what is allowed; nothing has been started."""
    run = launch(tmp_path, **variables)
    assert run.wait_end() == 1
    assert re.fullmatch(line, run.text), run.text


def test_a_port_in_use_is_one_line(tmp_path: Path, launch: Launch, shared_sandbox: SandboxUnderTest) -> None:
    """Nothing is started when the site could not listen."""
    port = int(shared_sandbox.url.rpartition(":")[2])
    run = launch(tmp_path, port=port)
    assert run.wait_end() == 1
    assert run.text == f"error: PORT: {port} is in use by another program: stop it, or set another PORT"


def test_a_var_dir_that_cannot_be_written_is_one_line(tmp_path: Path, launch: Launch) -> None:
    """A file in the way of the folder stands for every reason that even root cannot write."""
    (tmp_path / "file").write_text("in the way")
    run = launch(tmp_path / "file" / "var")
    assert run.wait_end() == 1
    assert run.text == f"error: VAR_DIR: cannot write to {tmp_path}/file/var (Not a directory)"


def test_a_service_that_does_not_come_up_ends_the_start(tmp_path: Path, launch: Launch) -> None:
    """A Redis that ends at once: its last lines and one error; what was already running is stopped."""
    broken = tmp_path / "broken-redis"
    broken.write_text("#!/bin/sh\necho 'cannot allocate anything' >&2\nexit 3\n")
    broken.chmod(0o755)
    run = launch(tmp_path / "var", REDIS_SERVER_BIN=str(broken))
    assert run.wait_end() == 1
    assert "    cannot allocate anything" in run.lines
    assert run.lines[-1] == "error: redis ended (exit code 3)"
    assert run.processes() == set()
