"""The table of policies: its columns, sorted as the address says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.urls import reverse

from cache_platform.pages import wording
from cache_platform.pages.numbers import Numbers
from cache_platform.pages.shapes import Spark, sparkline
from cache_platform.policies import CachePolicy, registry

Facts = Mapping[str, Any]
DEFAULT_SORT = "-reads"
BY_NAME = "name"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the address, its group and heading, what it tells, its value of a policy, and how that is
    written."""

    key: str
    group: str
    heading: str
    hint: str
    value: Callable[[Facts], float | None]
    shown: Callable[[float | None], str] = wording.number


def _is(name: str) -> Callable[[Facts], float | None]:
    return lambda facts: facts[name]


def reads_of(facts: Facts) -> int:
    """How many reads a summary has: each is a hit or a miss."""
    return int(facts["hits"] + facts["misses"])


def share_of_reads(counter: str) -> Callable[[Facts], float | None]:
    """The share of reads that a counter of a summary has; None without reads."""
    return lambda facts: facts[counter] / reads if (reads := reads_of(facts)) else None


def reduction(facts: Facts) -> float | None:
    """The share of reads that needed no call of the source, as the stats endpoint's `apiCallReduction`."""
    return facts["callsSaved"] / reads if (reads := reads_of(facts)) else None


COLUMNS = (
    Column("reads", "Reads", "All", "Requests that read the policy, each counted once as a hit or a miss", reads_of),
    Column("rate", "Reads", "Hit rate", "Hits of all reads", share_of_reads("hits"), wording.percent),
    Column("hits", "Reads", "Hits", "Reads answered from the cache, local and stale ones included", _is("hits")),
    Column("local", "Reads", "Local", "Hits on a copy in the process's own memory", _is("local_hits")),
    Column("stale", "Reads", "Stale", "Hits on an answer past its time", _is("stale_hits")),
    Column("misses", "Reads", "Misses", "Reads that found nothing to answer with", _is("misses")),
    Column("waited", "Reads", "Waited", "Misses that waited for another's load of the same entry", _is("collapsed")),
    Column("superseded", "Reads", "Superseded", "Entries that a write or flush had overtaken when they were read",
           _is("superseded")),
    Column("calls", "Source", "Calls", "Loads that were tried: calls of the source", _is("providerCalls")),
    Column("errors", "Source", "Errors", "Loads that failed", _is("load_errors")),
    Column("left", "Source", "Left alone", "Loads not made, because the source failed or asked to be left alone",
           _is("left_alone")),
    Column("p50", "Source", "p50", "About: half of the loads took no longer", _is("p50LoadMs"), wording.load_time),
    Column("p95", "Source", "p95", "About: 95 of 100 loads took no longer", _is("p95LoadMs"), wording.load_time),
    Column("p99", "Source", "p99", "About: 99 of 100 loads took no longer", _is("p99LoadMs"), wording.load_time),
    Column("saved", "Saved", "Calls", "By how many the reads are more than the calls of the source", _is("callsSaved")),
    Column("reduction", "Saved", "Share", "API call reduction: the share of reads that needed no call", reduction,
           wording.percent),
    Column("money", "Saved", "Money", "US dollars that cached answers saved, where prices are known",
           _is("micro_usd_saved"), wording.dollars),
    Column("entries", "Stored", "Entries", "About how many there are now, superseded ones included until they expire",
           _is("entries")),
    Column("held", "Stored", "Size", "About how large they are: as many as there are, of the size written in the mean",
           _is("held"), wording.size),
    Column("bytes", "Stored", "Written", "Bytes of the entries stored in this window", _is("bytes_stored"),
           wording.size),
)  # fmt: skip
SHOWN = tuple(column for column in COLUMNS if column.key not in {"left", "bytes"})
"""Those of the table, which has no room for more; a policy's page has them all."""
KEYS = {column.key: column for column in SHOWN}
FIRST = {next(columns).key for _, columns in groupby(COLUMNS, lambda column: column.group)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number as text; `loud` ones want attention, `quiet` ones say that there was nothing."""

    text: str
    first: bool = False
    """Of its group of columns."""
    loud: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A policy's line."""

    name: str
    app: str
    thing: str
    url: str
    description: str
    spark: Spark | None
    idle: bool
    cells: list[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column's heading: a link that sorts by it, the other way round when it does already."""

    text: str
    query: str
    order: str
    """What `aria-sort` says; empty for a column by which the table is not sorted."""
    hint: str = ""
    group: str = ""
    first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All of it."""

    name: Heading
    groups: list[tuple[str, int]]
    headings: list[Heading]
    rows: list[Row]
    total: list[Cell]


def policy_table(numbers: Numbers, entries: Mapping[str, int] | None, *, sort: str, window: str) -> Table:
    """The table by `sort`: a column's key or `name`, with `-` before it the largest first. What is neither counts as
    the default."""
    key, falling = sort.removeprefix("-"), sort.startswith("-")
    if key not in {*KEYS, BY_NAME}:
        key, falling = DEFAULT_SORT[1:], True
    counts = entries or {}  # without a count they are dashes
    facts = {
        policy: facts_of(numbers.summary(policy.name), None if entries is None else counts.get(policy.name, 0))
        for policy in registry
    }
    held = [each["held"] for each in facts.values() if each["held"]]
    everything = facts_of(numbers.total, None if entries is None else sum(counts.values()))
    everything["held"] = sum(held) if held else None
    return Table(
        name=Heading(text="Policy", **_sorting(BY_NAME, key=key, falling=falling, window=window)),
        groups=[(group, len(list(columns))) for group, columns in groupby(SHOWN, lambda column: column.group)],
        headings=[
            Heading(
                text=each.heading,
                hint=each.hint,
                group=each.group,
                first=each.key in FIRST,
                **_sorting(each.key, key=key, falling=falling, window=window),
            )
            for each in SHOWN
        ],
        rows=[_row(policy, facts[policy], numbers) for policy in _sorted(facts, key, falling=falling)],
        total=[_cell(column, everything) for column in SHOWN],
    )


def _sorted(facts: Mapping[CachePolicy[Any], Facts], key: str, *, falling: bool) -> list[CachePolicy[Any]]:
    """By name within equal values; what is not known comes last."""
    names = sorted(facts, key=lambda policy: policy.name, reverse=falling and key == BY_NAME)
    if key == BY_NAME:
        return names
    values = {policy: KEYS[key].value(facts[policy]) for policy in names}
    sign = -1 if falling else 1
    return sorted(names, key=lambda policy: (values[policy] is None, sign * (values[policy] or 0)))


def _row(policy: CachePolicy[Any], facts: Facts, numbers: Numbers) -> Row:
    reads = [each.get("hits", 0) + each.get("misses", 0) for each in numbers.buckets.get(policy.name, [])]
    app, _, thing = policy.name.partition(".")
    return Row(
        name=policy.name,
        app=app,
        thing=thing,
        url=f"{reverse('cache_pages:policy', args=[policy.name])}?window={numbers.window}",
        description=policy.description,
        spark=sparkline(reads[:-1]),  # the last one is still being filled
        idle=not reads_of(facts) and not facts["providerCalls"],
        cells=[_cell(column, facts) for column in SHOWN],
    )


def facts_of(summary: Facts, entries: int | None) -> dict[str, Any]:
    """A summary with what is stored: how many entries, and about how many bytes, None where that is not known."""
    mean = summary["meanBytes"]
    return {**summary, "entries": entries, "held": None if mean is None or entries is None else mean * entries}


def _cell(column: Column, facts: Facts) -> Cell:
    value = column.value(facts)
    loud = column.key == "errors" and bool(value)
    return Cell(text=column.shown(value), first=column.key in FIRST, loud=loud, quiet=not value)


def _sorting(name: str, *, key: str, falling: bool, window: str) -> dict[str, Any]:
    chosen = name == key
    falls_next = not falling if chosen else name != BY_NAME
    order = ("descending" if falling else "ascending") if chosen else ""
    return {"query": f"?window={window}&sort={'-' if falls_next else ''}{name}", "order": order}
