"""`manage.py cache_health`: whether the cache and what it stands on are well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandParser

from cache_platform.commands.health_check import Checked, check
from cache_platform.commands.operator import FAILED, WARNING, WELL, OperatorCommand
from cache_platform.commands.servers_in_words import facts
from cache_platform.commands.tables import Cell, Column, Table
from cache_platform.commands.words import duration, milliseconds, several

CODES = {"healthy": WELL, "degraded": WARNING, "unhealthy": FAILED}
STYLES = {
    "healthy": "bold green",
    "ok": "green",
    "degraded": "bold yellow",
    "failing": "bold red",
    "unhealthy": "bold red",
    "unavailable": "bold red",
    "waiting": "yellow",
    "memory": "yellow",
    "unknown": "dim",
}


class Command(OperatorCommand):
    """Asks each server, also whether it takes writes; the database; the outbox; the services by their loads."""

    help = "Look at the servers, the database, the outbox and the services, and say whether all is well."
    exits = "exit code: 0 healthy, 1 degraded (the site goes on), 2 unhealthy (no database)"

    def add_arguments(self, parser: CommandParser) -> None:
        """`--json` for the report as JSON."""
        parser.add_argument("--json", action="store_true", help="the body of /health, with what is known besides")

    def work(self, options: Mapping[str, Any]) -> int:
        """Look, tell, and return the code of the state."""
        checked = check()
        if options["json"]:
            self.say_json(checked.body())
        elif self.is_terminal():
            self._show(checked)
        else:
            for line in (checked.state, *_table(checked).plain(), *checked.reasons):
                self.stdout.write(line)
        return CODES[checked.state]

    def _show(self, checked: Checked) -> None:
        from rich.text import Text

        console = self.console()
        console.print(Text(checked.state, STYLES[checked.state]), "", sep="\n")
        console.print(_table(checked).rich())
        for reason in checked.reasons:
            console.print(Text("\n! ", "bold yellow").append(reason, "default"))


def _table(checked: Checked) -> Table:
    columns = [Column("part", left=True), Column("state", left=True), Column("", left=True, folds=True)]
    rows = [
        [Cell(name, "bold"), Cell(state, STYLES.get(state, "green")), Cell(text, "dim")]
        for name, state, text in _parts(checked)
    ]
    return Table(columns, rows)


def _parts(checked: Checked) -> Iterator[tuple[str, str, str]]:
    for server in checked.servers:
        state = "memory" if server.breaker is None else "healthy" if server.up else "unavailable"
        yield server.name, state, ", ".join(facts(server))
    database = checked.report["database"]
    took = milliseconds(database["latencyMs"]) if database["connected"] else ""
    yield "database", database["status"], took
    waiting = checked.outbox
    if waiting is None:
        yield "outbox", "unknown", ""
    else:
        oldest = f"the oldest for {duration(waiting.oldest)}" if waiting.oldest is not None else ""
        text = ", ".join(filter(None, (several(waiting.rows, "row"), oldest)))
        yield "outbox", "waiting" if waiting.rows else "healthy", text
    for name, service in checked.report["services"].items():
        counts = [
            several(int(service[kind]), one)
            for kind, one in (("loads", "load"), ("errors", "error"))
            if kind in service
        ]
        yield name, str(service["status"]), ", ".join(counts) + (" in 5 minutes" if counts else "")
