"""What `cache_warm` shows while it runs: a line for each item, and a bar where somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from cache_platform.commands.log_lines import log_lines_to
from cache_platform.commands.operator import OperatorCommand
from cache_platform.commands.warm_run import Item
from cache_platform.commands.words import milliseconds
from cache_platform.warming import UNREACHED

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

STYLES = {
    "stored": "green",
    "fresh": "dim",
    "missing": "cyan",
    "left": "yellow",
    "unstored": "yellow",
    "failed": "bold red",
}
WORDS = {"missing": "would load"}


def line(item: Item) -> str:
    """One item in plain text."""
    return _told(item, " " * 2)


def _told(item: Item, gap: str) -> str:
    took = "" if item.outcome in {"fresh", "missing"} else milliseconds(item.milliseconds)
    parts = [f"{WORDS.get(item.outcome, item.outcome):<10}", item.policy, item.params, took, item.why]
    return gap.join(part for part in parts if part).rstrip()


def _text(item: Item) -> Text:
    from rich.text import Text

    shown = Text(_told(item, "  "))
    shown.stylize(STYLES[item.outcome], 0, 10)
    return shown


def unreached(items: Iterable[Item]) -> list[str]:
    """A line for each address that could not be reached, with the settings that have it."""
    addresses = {item.why.rpartition(UNREACHED)[2]: None for item in items if UNREACHED in item.why}
    named = {name: _address_of(getattr(settings, name)) for name in dir(settings) if name.endswith("_URL")}
    found = []
    for address in addresses:
        names = " and ".join(name for name, its in named.items() if its == address)
        found.append(f"nothing answers at {address}" + (f": look at {names}" if names else ""))
    return found


def _address_of(url: object) -> str:
    """Its scheme, host and port."""
    address = urlsplit(url) if isinstance(url, str) else urlsplit("")
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}"


@contextmanager
def shown_items(command: OperatorCommand, total: int, *, lines: bool) -> Iterator[Callable[[Item], None]]:
    """What to call with each item: it prints its line to stdout (unless not `lines`) and moves the bar."""
    out, err = command.is_terminal(), command.is_terminal(command.stderr)
    if not out and not err:
        yield lambda item: command.stdout.write(line(item)) if lines else None
        return
    # On one terminal the lines have to pass by the bar, so that one console prints both.
    console = command.console(command.stdout if out and lines else command.stderr)
    with _bar(console, total) as advance:

        def note(item: Item) -> None:
            if lines and out:
                console.print(_text(item), soft_wrap=True)
            elif lines:
                command.stdout.write(line(item))
            advance()

        yield note


class _Above:
    """A stream for the log whose lines stand above the bar."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        """Print lines."""
        self._console.print(text.rstrip("\n"), soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """Nothing waits here."""


@contextmanager
def _bar(console: Console, total: int) -> Iterator[Callable[[], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("warming"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=True) as progress, log_lines_to(_Above(console)):
        task = progress.add_task("warming", total=total)
        yield lambda: progress.advance(task)
