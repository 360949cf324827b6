"""What all operator commands do alike: streams, colours, JSON, log lines, exit codes, pipes that break."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from django.core.management.base import BaseCommand, CommandParser, OutputWrapper

from cache_platform.conf import conf

if TYPE_CHECKING:
    from rich.console import Console

WELL, WARNING, FAILED = 0, 1, 2
"""Exit codes."""
HAS_RICH = importlib.util.find_spec("rich") is not None
"""It is in the extra `commands`: without it a terminal gets what a pipe gets."""
MEMORY = (
    "entries are kept in each process's memory (CACHE_PLATFORM['STORE']), so this command sees its own and"
    " nothing of the site's"
)


class OperatorCommand(BaseCommand):
    """Data goes to stdout, the rest to stderr. A subclass says what it does in `work`, which returns an exit code."""

    requires_system_checks = []  # they would keep whoever wants to know what is wrong waiting

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Its help shows what the command adds, and ends with the exit codes."""
        return super().create_parser(prog_name, subcommand, epilog=self.exits, **kwargs)

    exits = "exit code: 0 well, 1 a warning, 2 failed"

    def work(self, options: Mapping[str, Any]) -> int:
        """Do it; the exit code."""
        raise NotImplementedError

    def execute(self, *args: Any, **options: Any) -> str | None:
        """As Django's, which does not know NO_COLOR (no-color.org)."""
        if os.environ.get("NO_COLOR") and not options.get("force_color"):
            options["no_color"] = True
        return super().execute(*args, **options)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Exit with what `work` returned."""
        self._options = options
        with _quiet(options["verbosity"]):
            code = self._worked(options)
        if code:
            sys.exit(code)

    def _worked(self, options: Mapping[str, Any]) -> int:
        try:
            if conf.store == "memory":
                self.warn(MEMORY)
            if not HAS_RICH and self.stdout.isatty():
                self.note("without Rich this is plain: install cache_platform with its extra `commands`")
            code = self.work(options)
            self.stdout.flush()
        except BrokenPipeError:  # whoever read it has seen enough
            _forget(self.stdout)
            return WELL
        except KeyboardInterrupt:
            return self.warn("stopped")
        return code

    def fail(self, message: object) -> int:
        """Say what went wrong, and return the exit code for that."""
        self.stderr.write(f"error: {message}")
        return FAILED

    def warn(self, message: object) -> int:
        """Say what is to be known, and return the exit code for that."""
        self.stderr.write(f"warning: {message}", self.style.WARNING)
        return WARNING

    def note(self, message: object, *, ending: str | None = None) -> None:
        """Say something on stderr that is no error: Django's would be red."""
        self.stderr.write(str(message), str, ending)

    def say_json(self, body: Any) -> None:  # noqa: ANN401  # whatever json takes
        """One JSON document on stdout."""
        self.stdout.write(json.dumps(body, indent=2))

    def is_terminal(self, stream: OutputWrapper | None = None) -> bool:
        """Whether a person reads `stream` (stdout), on a terminal that can do more than print lines of ASCII, and Rich
        is there to write to it."""
        if not HAS_RICH:
            return False
        out = stream or self.stdout
        seen = self._options["force_color"] or (out.isatty() and os.environ.get("TERM") != "dumb")
        return bool(seen) and (_encoding(out) or "utf-8").lower().replace("-", "") == "utf8"

    def console(self, stream: OutputWrapper | None = None) -> Console:
        """Rich's console on `stream` (stdout)."""
        from rich.console import Console

        class Piped(Console):
            """One that leaves a broken pipe to the command, where rich would exit with 1."""

            def on_broken_pipe(self) -> None:
                self.quiet = True
                raise BrokenPipeError

        return Piped(
            file=_inside(stream or self.stdout),  # its wrapper would end each piece with a new line
            no_color=self._options["no_color"] or None,
            force_terminal=True,  # asked only where is_terminal said so
            highlight=False,
            markup=False,
            emoji=False,
        )


def _encoding(stream: OutputWrapper) -> str | None:
    return getattr(stream._out, "encoding", None)


def _inside(stream: OutputWrapper) -> IO[str]:
    """What Django's wrapper writes to."""
    return cast("IO[str]", stream._out)


def _forget(stream: OutputWrapper) -> None:
    """Have what is still to be written go nowhere, or Python would complain when it ends."""
    try:
        number = _inside(stream).fileno()
    except (AttributeError, OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


@contextmanager
def _quiet(verbosity: int) -> Iterator[None]:
    """Without the log's lines below ERROR, which are for a site: a command says itself what it does and what is away.
    The audit's stay, and `-v 2` shows all."""
    platform, audit = logging.getLogger("cache_platform"), logging.getLogger("cache_platform.audit")
    before = {logger: logger.level for logger in (platform, audit)}
    if verbosity < 2:
        audit.setLevel(audit.getEffectiveLevel())
        platform.setLevel(max(platform.getEffectiveLevel(), logging.ERROR))
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
