"""What policies did in a window, as a table; and the sums in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cache_platform.commands.tables import Cell, Column, Row, Table
from cache_platform.commands.words import amount, load_time, money, share, size

COLUMNS = (
    Column("policy", left=True),
    Column("reads"),
    Column("hit rate"),
    Column("local", priority=7),
    Column("stale", priority=5),
    Column("misses", priority=4),
    Column("waited", priority=10),
    Column("loads"),
    Column("errors", priority=1),
    Column("p50", priority=8),
    Column("p95", priority=2),
    Column("p99", priority=9),
    Column("superseded", priority=11),
    Column("entries", priority=3),
    Column("size", priority=6),
    Column("saved", priority=12),
)
Pattern = Mapping[str, Any]
LOW, HIGH = 0.5, 0.9
"""Hit rates below and above which one looks."""


def reads_of(pattern: Pattern) -> int:
    """How often it was read."""
    return int(pattern["hits"]) + int(pattern["misses"])


def is_idle(pattern: Pattern) -> bool:
    """Whether nobody read it, and nothing loaded it."""
    return not reads_of(pattern) and not pattern["providerCalls"]


def policy_table(patterns: Sequence[Pattern], total: Pattern | None) -> Table:
    """A row for each pattern, in their order, and one for all where `total` is given."""
    rows = [_row(str(pattern["name"]), pattern, style="") for pattern in patterns]
    if total is not None:
        counts = [pattern["count"] for pattern in patterns]
        entries = None if None in counts else sum(counts)
        bytes_ = sum(pattern["estimatedBytes"] or 0 for pattern in patterns) or None
        rows.append(_row("all", {**total, "count": entries, "estimatedBytes": bytes_}, style="bold"))
    return Table(COLUMNS, rows)


def _row(name: str, pattern: Pattern, *, style: str) -> Row:
    reads = reads_of(pattern)
    quiet = style or ("dim" if is_idle(pattern) else "")
    saved = pattern["micro_usd_saved"]
    return [
        Cell(name, quiet),
        Cell(amount(reads), quiet),
        Cell(share(pattern["hits"], reads), f"{style} {hit_style(pattern['hits'], reads)}".strip()),
        *(_count(pattern[counter], quiet) for counter in ("local_hits", "stale_hits", "misses", "collapsed", "loads")),
        _count(pattern["load_errors"], "bold red" if pattern["load_errors"] else quiet),
        *(_time(pattern[f"p{percent}LoadMs"], quiet) for percent in (50, 95, 99)),
        _count(pattern["superseded"], quiet),
        _count(pattern["count"], quiet),
        Cell(size(pattern["estimatedBytes"]), quiet or _dim(pattern["estimatedBytes"])),
        Cell(money(saved), quiet or _dim(saved)),
    ]


def hit_style(hits: int, reads: int) -> str:
    """The colour of a hit rate."""
    if not reads:
        return "dim"
    return "green" if hits >= HIGH * reads else "yellow" if hits >= LOW * reads else "red"


def _count(number: int | None, style: str) -> Cell:
    return Cell(amount(number), style or _dim(number))


def _time(number: float | None, style: str) -> Cell:
    return Cell(load_time(number), style or _dim(number))


def _dim(value: float | None) -> str:
    return "" if value else "dim"


def sentence(total: Pattern) -> str:
    """The sums."""
    reads = reads_of(total)
    if not reads:
        return "nothing was read"
    parts = [
        f"{amount(reads)} reads",
        f"{share(total['hits'], reads)} hits",
        f"{share(total['callsSaved'], reads)} fewer calls",
        f"{amount(total['callsSaved'])} calls saved",
    ]
    if total["micro_usd_saved"]:
        parts.append(f"{money(total['micro_usd_saved'])} saved")
    if total["p95LoadMs"] is not None:
        parts.append(f"95 % of loads in {load_time(total['p95LoadMs'])}")
    return ", ".join(parts)
