"""An exhaustive model of the write protocol while Redis, its network, a process or an answer fails.

Writers (in process 0) hold, COMMIT, bump, use the outbox and wait; readers (in process 1) look up, load, share loads
and fill. The relay and the processes look at the outbox, drain it and leave a mark in Redis; a lookup believes what
Redis has while there is a mark. Redis and the network fail as a scenario allows, at any step. The property: a read that
begins after a write has returned never gives a value older than that write, and where it is promised, reads that do
not overlap never go backwards.

There is no clock: a mark may end at any time, and has ended when a write has waited that began to wait after the look
did (0.9 s against 1 s, by clocks that run alike). Own uncommitted reads are not in it; nor is a database that cannot be
reached, and a process that goes on without a mark for that.

Run it with `python -m tests.consistency.outage_model [name ...]`, a name being a variant, a limit or a mutant.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

from tests.consistency.outage_processes import Outages, Processes
from tests.consistency.outage_readers import Readers
from tests.consistency.outage_state import Faults, Process, Reader, Redis, Scenario, State, Writer
from tests.consistency.outage_writers import Writers
from tests.consistency.search import Explored, explore

WRITER, READER, RELAY = 0, 1, 2
WRITER_ALONE = (frozenset({WRITER}),)
RELAY_TOO = (frozenset({WRITER, RELAY}), frozenset({WRITER, READER, RELAY}))

SCENARIOS = {
    "healthy": Scenario(Faults(kills=1, rollbacks=1), writers=2, readers=(READER, READER), monotonic=True),
    "outages": Scenario(Faults(kills=1, outages=2, rollbacks=1, lost_answers=1)),
    "outages seen by the writer's process": Scenario(
        Faults(kills=1, outages=2, rollbacks=1), readers=(WRITER,), serves=(WRITER, READER), looks=(WRITER, RELAY)
    ),
    "restarts": Scenario(Faults(kills=1, restarts=1, outages=1)),
    "two restarts": Scenario(Faults(restarts=2, saves=1)),
    "losses": Scenario(Faults(kills=1, losses=1, outages=1)),
    "a writer cut off alone": Scenario(Faults(kills=1, losses=1, cuts=1), cut=WRITER_ALONE),
    "two writers cut off": Scenario(Faults(cuts=1), writers=2, cut=WRITER_ALONE, looks=(READER,)),
    "a lost COMMIT": Scenario(Faults(lost_commits=1, outages=1, kills=1, losses=1)),
    "the relay cut off too": Scenario(Faults(cuts=2), cut=RELAY_TOO),
}
"""What is explored together."""


class Variant(NamedTuple):
    """Rules of the protocol that differ, and the scenarios in which they are looked at."""

    what: str
    rules: frozenset[str]
    scenarios: tuple[str, ...]


def _variant(what: str, rule: str, *scenarios: str) -> Variant:
    return Variant(what, frozenset(rule.split()), scenarios)


ALL = tuple(SCENARIOS)
VARIANTS = {"mark": _variant("Redis is believed while there is the mark of a look at the outbox", "", *ALL)}
"""The protocol. It has no stale read in any scenario."""

LIMITS = {
    "killed": _variant("a hold lost and its writer killed in one write", "dead-counts", "losses"),
    "unknown": _variant(
        "a COMMIT's answer lost, and its hold after that or with Redis away", "raised-counts", "a lost COMMIT"
    ),
}
"""What is not promised: each has a stale read, and nothing else is left out."""

MUTANTS = {
    name: _variant(what, name, *scenarios)
    for name, (what, *scenarios) in {
        "no-hold": ("bump after COMMIT, without a hold before", "healthy", "outages"),
        "no-outbox": ("what cannot be held or bumped is forgotten", "outages"),
        "row-with-failed-hold-only": ("no row when only the bump failed", "restarts", "losses"),
        "no-wait": ("a write returns though nobody could be told", "outages", "a writer cut off alone"),
        "delete-up-to-newest": ("the drain deletes `id <= newest` instead of what it read", "two writers cut off"),
        "delete-before-bump": ("the drain deletes the rows before it bumps", "outages", "a writer cut off alone"),
        "no-mark": ("a process believes Redis whenever it is answered", "outages", "a writer cut off alone"),
        "answers": ("a process that is answered without a gap needs no mark", "the relay cut off too"),
        "mark-never-ends": ("a mark without an end", "outages", "the relay cut off too"),
        "mark-from-end": ("a mark lasts from the end of the look, not from its beginning", "outages"),
        "mark-without-drain": ("a mark is left without a look at the outbox", "outages"),
        "look-before-answer": ("the outbox is read before Redis is asked for its time", "outages"),
        "no-epoch": ("a snapshot is served as if it were the present", "restarts", "two restarts"),
        "unknown-is-failure": ("a lost COMMIT counts as failed: let go", "a lost COMMIT"),
        "unknown-is-success": ("a lost COMMIT counts as done: bump and let go", "a lost COMMIT"),
        "bump-before-commit": ("the bump is made before the COMMIT", "outages"),
        "lapse-keeps-generation": ("a hold that lapses leaves the generation as it was", "healthy", "outages"),
        "fill-unchecked": ("a fill does not look at the generations", "healthy", "losses"),
        "follower-unchecked": ("a follower takes its leader's value whatever its generations", "healthy"),
    }.items()
}
"""Each leaves out something that the protocol needs, and must be found out."""


def run(scenario: str, rules: frozenset[str]) -> Explored:
    """Explore one scenario."""
    bounds = SCENARIOS[scenario]
    readers = Readers(bounds, rules)
    parts = (readers, *(part(bounds, rules) for part in (Writers, Processes, Outages)))

    def steps(state: State) -> Iterator[tuple[str, State]]:
        for part in parts:
            yield from part.steps(state)

    return explore(_initial(bounds, rules), steps, readers.is_stale)


def _initial(scenario: Scenario, rules: frozenset[str]) -> State:
    """An entry that is right, and a mark."""
    return State(
        scenario.faults,
        (Writer(),) * scenario.writers,
        (Reader(),) * len(scenario.readers),
        (*[Process("trusted" if "answers" in rules else "cold")] * scenario.relay, Process()),
        snapshot=Redis() if scenario.faults.restarts else None,
    )


def main(names: list[str]) -> None:
    """Print what each variant, limit or mutant of these names comes to."""
    known = {**VARIANTS, **LIMITS, **MUTANTS}
    for name in names or known:
        variant = known[name]
        print(f"{name}: {variant.what}")
        for scenario in variant.scenarios:
            print(f"  {scenario}: {run(scenario, variant.rules)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
