"""The stats endpoint's body as people read it: on a terminal, or as plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cache_platform.commands.looking import look_at_servers
from cache_platform.commands.policy_table import Pattern, is_idle, policy_table, reads_of, sentence
from cache_platform.commands.servers_in_words import facts
from cache_platform.commands.tables import Cell, Column, Table, cells
from cache_platform.commands.words import amount, several, share
from cache_platform.suggestions import suggestions

if TYPE_CHECKING:
    from rich.console import Console

Body = Mapping[str, Any]
WINDOW_WORDS = {"5m": "5 minutes", "1h": "hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days"}


def of_one(body: Body, name: str) -> dict[str, Any]:
    """The body with one policy alone; its sums are that policy's."""
    patterns = [pattern for pattern in body["patterns"] if pattern["name"] == name]
    total = {key: patterns[0][key] for key in body["performance"]} if patterns else None
    return {**body, "patterns": patterns, "performance": total}


def plain(body: Body, *, one: bool) -> Iterator[str]:
    """Lines: every policy, the sums unless it is `one` alone, and the limits."""
    yield from policy_table(_sorted(body["patterns"]), None if one else body["performance"]).plain()
    if not one and (limits := _limits(body)).rows:
        yield ""
        yield from limits.plain()


def show(console: Console, body: Body, *, one: bool) -> None:
    """All of it, with the servers and what the numbers suggest; without what nobody read."""
    from rich.text import Text

    if body["performance"] is not None:
        _show_policies(console, body, one=one)
        for each in suggestions(body):
            console.print(Text(f"{each.policy}: {each.title}", "yellow").append(f"\n  {each.reason}\n", "default"))
    for server in look_at_servers(writes=False):
        line = Text("● ", "green" if server.up else "bold red").append(f"{server.name}  ", "bold default")
        told = "   ".join(facts(server)) if server.up else server.error
        console.print(
            line.append(told, "not bold default dim" if server.up else "not bold red"),
            overflow="ellipsis",
            no_wrap=True,
        )
    if body["outbox"]:
        console.print(Text(f"{several(body['outbox'], 'write')} in the outbox", "yellow"))


def _show_policies(console: Console, body: Body, *, one: bool) -> None:
    from rich.text import Text

    title = Text(f"the last {WINDOW_WORDS[body['window']]}  ", "bold")
    console.print(title.append(f"{sentence(body['performance'])}\n", "not bold"), soft_wrap=True)
    busy = [pattern for pattern in _sorted(body["patterns"]) if one or not is_idle(pattern)]
    idle = [str(pattern["name"]) for pattern in body["patterns"] if not one and is_idle(pattern)]
    if busy:
        console.print(policy_table(busy, None if one else body["performance"]).fitted(console.width).rich(), "")
        if idle:
            console.print(Text(f"not read: {', '.join(idle)}\n", "dim"))
    limits = _limits(body)
    if limits.rows and not one:
        console.print(limits.fitted(console.width).rich(), "")


def _sorted(patterns: Sequence[Pattern]) -> list[Pattern]:
    """The most read first."""
    return sorted(patterns, key=lambda pattern: (-reads_of(pattern), str(pattern["name"])))


def _limits(body: Body) -> Table:
    """The limits that decided anything."""
    columns = [Column("limit", left=True), Column("allowed"), Column("admitted"), Column("refused"), Column("share")]
    rows = [
        [
            Cell(each["name"] + (" (in shadow)" if each["shadow"] else "")),
            *cells([f"{each['limit']}/{each['window']:g}s", amount(each["admitted"])]),
            Cell(amount(each["refused"]), "yellow" if each["refused"] else "dim"),
            Cell(share(each["refused"], each["admitted"] + each["refused"]), "dim"),
        ]
        for each in body["limits"]
        if each["admitted"] or each["refused"] or each["would_refuse"]
    ]
    return Table(columns, rows)
