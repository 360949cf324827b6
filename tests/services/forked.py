"""Python programs that begin in a tenth of the time: forked from a process that has imported the libraries.

None of the site's own modules is among them, because what those are depends on the environment: a program imports
them itself, as it would when started by `python -m`.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any, Self, TextIO

from config.environment import BASE_DIR
from config.services.guard import PR_SET_PDEATHSIG, prctl

LIBRARIES = (
    "authlib.oauth2.base",
    "celery.app.base",
    "cryptography.fernet",
    "csp.middleware",
    "django.contrib.admin",
    "django.contrib.auth.hashers",
    "django.db.backends.postgresql.base",
    "django.db.models",
    "django.test.client",
    "django.test.utils",
    "django_redis.cache",
    "granian.cli",
    "httpcore",
    "httpx",
    "msgspec",
    "prometheus_client",
    "psycopg_pool",
    "pydantic_settings",
    "redis",
    "rest_framework.fields",
)
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(LIBRARIES))
_starting = threading.Lock()


class Forked:
    """`python -m module *arguments`, spoken to by lines of text. Use as a context manager, which ends it with -9."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        environment: Mapping[str, str],
        errors: Path | None = None,
        leads: bool = False,
    ) -> None:
        """Begin. What it writes to standard error is added to the file `errors`, or shown with the tests' own. With
        `leads` it leads a process group, and its errors are among its lines."""
        from_us, stdin = os.pipe()
        stdout, to_us = os.pipe()
        if errors is not None:
            error = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        else:
            error = os.dup(to_us if leads else 2)
        theirs = (Connection(from_us, writable=False), Connection(to_us, readable=False), Connection(error))
        given = (module, arguments, dict(environment), theirs, leads)
        self._process = _context.Process(target=_run, args=given, daemon=True)
        with _without_main():
            self._process.start()
        for end in theirs:
            end.close()
        self.stdin: TextIO = os.fdopen(stdin, "w")
        self.stdout: TextIO = os.fdopen(stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has."""
        return self._process.exitcode is not None

    def tell(self, line: str) -> None:
        """Give it a line."""
        self.stdin.write(f"{line}\n")
        self.stdin.flush()

    def hear(self) -> str:
        """Its next line; empty when it has ended."""
        return self.stdout.readline()

    def kill(self) -> None:
        """`kill -9`, and wait until it has ended."""
        self._process.kill()
        self.wait(10)

    def wait(self, timeout: float) -> int:
        """What it ended with, within `timeout` seconds; minus a signal's number where that ended it."""
        self._process.join(timeout)
        assert self._process.exitcode is not None, "it has not ended"
        return self._process.exitcode

    def finish(self, timeout: float = 20) -> int:
        """Tell it that nothing more comes, and wait until it has ended; what with."""
        self._close()
        return self.wait(timeout)

    def end(self) -> None:
        """End it, however it is."""
        self._close()
        self.kill()

    def _close(self) -> None:
        for pipe in (self.stdin, self.stdout):
            with suppress(BrokenPipeError):
                pipe.close()


@contextmanager
def _without_main() -> Iterator[None]:
    """multiprocessing imports the program's main module in the child. Nothing here needs it, and one that is no module,
    but a script that starts sites, would start them there, too, and so on without an end."""
    with _starting:
        main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _run(
    module: str,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    ends: tuple[Connection[Any, Any], ...],
    leads: bool,
) -> None:
    if leads:
        os.setpgid(0, 0)
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # when the tests are killed, the process that it is forked from ends
    for number, end in enumerate(ends):  # as its standard input, output and error
        os.dup2(end.fileno(), number)
        end.close()
    multiprocessing.set_start_method(None, force=True)  # it may have children, as any program, begun as a program's are
    multiprocessing.current_process()._config = {"authkey": os.urandom(32), "semprefix": "/mp"}  # type: ignore[attr-defined]
    sys.stdin = os.fdopen(0)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(BASE_DIR)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
