"""The programs of the site itself: web server, worker, beat, sandbox, and what has to be done before they start."""

from __future__ import annotations

import http.client
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.services.folder import private_folder
from config.services.ports import HOST
from config.services.service import Service

SANDBOX_LINE = re.compile(r"sandbox (http://\S+)")
# Threads of one web worker. A request holds one to its end, also while it waits for a provider: with 2 workers 200
# requests of 0.5 s took up to 6.4 s on 8 threads each and 0.84 s on 64. Nothing is set aside for quick requests: when
# more than WORKERS * 64 wait, all others, hits and /health among them, wait behind them.
BLOCKING_THREADS = 64
BACKLOG = 2048  # connections that the kernel holds while all are busy
WORKER_THREADS = 4
PROBE_TIMEOUT = 2.0  # seconds
AS_ROOT_CELERY_WARNS = "ignore:You're running the worker with superuser privileges"


@dataclass(frozen=True, kw_only=True)
class Site:
    """One site: `environment` holds the addresses of its servers."""

    environment: Mapping[str, str]
    port: int
    workers: int
    host_header: str = HOST

    @property
    def url(self) -> str:
        """The site's address."""
        return f"http://{HOST}:{self.port}"

    def web(self) -> Service:
        """The web server. It replaces workers that die; it is ready when all run and /health/ready answers 200."""
        options = {
            "interface": "wsgi",
            "http": 1,  # HTTP/2 would accept 16 MB of headers on each of its streams
            "host": HOST,
            "port": self.port,
            "workers": self.workers,
            "blocking-threads": BLOCKING_THREADS,
            "backlog": BACKLOG,
            "workers-kill-timeout": 5,
            "respawn-interval": 0.5,
        }
        return self._python(
            "web",
            "granian",
            *(part for name, value in options.items() for part in (f"--{name}", str(value))),
            *("--respawn-failed-workers", "--no-ws", "--no-access-log", "config.wsgi:application"),
            ready_line=re.compile(r"Started worker-"),
            ready_count=self.workers,
            probe=lambda: is_ready(self.port, host=self.host_header),
        )

    def worker(self) -> Service:
        """The Celery worker: threads, because its tasks wait for the network, and one process needs less memory."""
        environment = dict(self.environment)
        if os.geteuid() == 0:
            given = environment.get("PYTHONWARNINGS")
            environment["PYTHONWARNINGS"] = f"{given},{AS_ROOT_CELERY_WARNS}" if given else AS_ROOT_CELERY_WARNS
        return self._python(
            "worker",
            *("celery", "--app", "config", "worker", "--loglevel", "INFO", "--hostname", f"worker-{self.port}@%h"),
            *("--pool", "threads", "--concurrency", str(WORKER_THREADS), "--without-mingle", "--without-gossip"),
            environment=environment,
            ready_line=re.compile(r" ready\.$"),
        )

    def beat(self) -> Service:
        """Celery's clock; its schedule file is in VAR_DIR."""
        private_folder(Path(self.environment["VAR_DIR"]) / "beat")  # its schedule is a pickle: who writes it runs code
        return self._python(
            "beat",
            *("celery", "--app", "config", "beat", "--loglevel", "INFO", "--pidfile="),
            ready_line=re.compile(r"beat: Starting"),
        )

    def relay(self) -> Service:
        """The outbox's relay: it bumps what writes could not, within the second that they wait for it."""
        environment = {**self.environment, "DJANGO_SETTINGS_MODULE": "config.settings"}
        ready_line = re.compile(r"relay ready")
        return self._python("relay", "django", "cache_relay", environment=environment, ready_line=ready_line)

    def preparation(self, demo_password: Path, *, keep: bool) -> Service:
        """What runs to its end before the others start: static files, migrations, demo accounts.

        With `keep` the demo accounts keep a usable password that they have.
        """
        environment = {**self.environment, "DEMO_PASSWORD_FILE": str(demo_password)}
        arguments = ("--keep-passwords",) if keep else ()
        return self._python("prepare", "config.services.prepare", *arguments, environment=environment)

    def _python(
        self,
        name: str,
        *module_and_arguments: str,
        environment: Mapping[str, str] | None = None,
        ready_line: re.Pattern[str] | None = None,
        ready_count: int = 1,
        probe: Callable[[], bool] | None = None,
    ) -> Service:
        return Service(
            name=name,
            argv=(sys.executable, "-m", *module_and_arguments),
            environment=self.environment if environment is None else environment,
            ready_line=ready_line,
            ready_count=ready_count,
            probe=probe,
        )


def sandbox(environment: Mapping[str, str], *, port: int, state: Path | None = None) -> Service:
    """The sandbox on `port`, or on a free one when that is 0; it says its address once it listens. With a folder for
    its `state`, what its platforms granted outlives it, as the site's own tables do."""
    kept = () if state is None else ("--state", str(state))
    return Service(
        name="sandbox",
        argv=(sys.executable, "-m", "sandbox", "--host", HOST, "--port", str(port), *kept),
        environment=environment,
        grace=3.0,
        ready_line=SANDBOX_LINE,
    )


def is_ready(port: int, *, host: str) -> bool:
    """Whether the site on this port answers 200 at /health/ready; `host` is a name that its ALLOWED_HOSTS allows."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PROBE_TIMEOUT)
    try:
        connection.request("GET", "/health/ready", headers={"Host": host})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def allowed_host(allowed: list[str]) -> str:
    """A Host header that Django's ALLOWED_HOSTS lets through."""
    name = next((name for name in allowed if name != "*"), HOST)
    return name.removeprefix(".")
