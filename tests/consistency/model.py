"""An exhaustive model of the generation protocol: two writers, two readers, one key, one tag, one fault.

Each step is atomic, as a script in Redis or a statement in the database is. Every interleaving is explored, with a
writer's death, an eviction of the tag or a flush at any point. The property: a read that begins after a write has
returned never gives a value older than that write.

Run it with `python -m tests.consistency.model [variant]`. The mutants leave out what the protocol needs; each of them
must be found out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.consistency.search import Explored, explore

VARIANTS = {
    "hold": "the protocol: a hold before COMMIT that keeps the generation",
    "hold-with-generation": "the same, with a new generation at the hold as well",
}
MUTANTS = {
    "delete": "delete the entry after COMMIT, as other libraries do",
    "no-hold": "bump after COMMIT, without a hold before",
    "lapse-keeps-generation": "a hold that lapses leaves the generation as it was",
    "fill-with-newest-generation": "store under the generation at the time of the fill, not of the read before",
    "no-bump": "let go without a bump",
}


@dataclass(frozen=True)
class Writer:
    """`step`: 0 nothing done, 1 held, 2 committed, 3 returned, 9 dead."""

    step: int = 0
    version: int = 0


@dataclass(frozen=True)
class Reader:
    """`step`: 0 nothing done, 1 begun, 2 missed, 3 loaded, 9 returned. `floor` is what it may not fall below."""

    step: int = 0
    generation: int | None = None
    value: int = 0
    floor: int = 0


@dataclass(frozen=True)
class State:
    """All there is: the database's version, the tag, the entry, and who is where."""

    database: int = 0
    generation: int | None = 1
    holders: frozenset[int] = frozenset()
    entry: tuple[int, int] | None = (0, 1)
    fresh: int = 2
    returned: int = 0
    faults: int = 1
    writers: tuple[Writer, Writer] = (Writer(), Writer())
    readers: tuple[Reader, Reader] = (Reader(), Reader())

    def with_writer(self, index: int, writer: Writer, **changes: object) -> State:
        """This state with one writer changed."""
        writers = tuple(writer if i == index else other for i, other in enumerate(self.writers))
        return replace(self, writers=writers, **changes)  # type: ignore[arg-type]

    def with_reader(self, index: int, reader: Reader, **changes: object) -> State:
        """This state with one reader changed."""
        readers = tuple(reader if i == index else other for i, other in enumerate(self.readers))
        return replace(self, readers=readers, **changes)  # type: ignore[arg-type]


def new_generation(state: State) -> dict[str, int]:
    """What changes with a generation that has never been."""
    return {"generation": state.fresh, "fresh": state.fresh + 1}


def writes(state: State, variant: str) -> Iterator[tuple[str, State]]:
    """The next step of each writer, and its death."""
    for index, writer in enumerate(state.writers):
        if writer.step == 0:
            yield f"w{index} holds", _hold(state, index, variant)
        elif writer.step == 1:
            version = state.database + 1
            yield f"w{index} commits", state.with_writer(index, Writer(2, version), database=version)
        elif writer.step == 2:
            yield f"w{index} bumps", _bump(state, index, writer, variant)
        if state.faults and writer.step < 3:
            # It never returns to its caller; what it committed is in the database all the same.
            seen = max(state.returned, writer.version)
            yield f"w{index} dies", state.with_writer(index, Writer(9), faults=state.faults - 1, returned=seen)


def _hold(state: State, index: int, variant: str) -> State:
    changes: dict[str, object] = {}
    if variant not in {"delete", "no-hold"}:
        changes["holders"] = state.holders | {index}
    if variant == "hold-with-generation":
        changes |= new_generation(state)
    return state.with_writer(index, Writer(1), **changes)


def _bump(state: State, index: int, writer: Writer, variant: str) -> State:
    changes: dict[str, object] = {"holders": state.holders - {index}}
    changes["returned"] = max(state.returned, writer.version)
    if variant == "delete":
        changes["entry"] = None
    elif variant != "no-bump":
        changes |= new_generation(state)
    return state.with_writer(index, replace(writer, step=3), **changes)


def reads(state: State, variant: str) -> Iterator[tuple[str, State]]:
    """The next step of each reader."""
    for index, reader in enumerate(state.readers):
        if reader.step == 0:
            yield f"r{index} begins", state.with_reader(index, Reader(1, floor=state.returned))
        elif reader.step == 1:
            yield _lookup(state, index, reader, variant)
        elif reader.step == 2:
            yield f"r{index} loads", state.with_reader(index, replace(reader, step=3, value=state.database))
        elif reader.step == 3:
            yield _fill(state, index, reader, variant)


def _lookup(state: State, index: int, reader: Reader, variant: str) -> tuple[str, State]:
    made = new_generation(state) if state.generation is None else {}
    state = replace(state, **made)
    held, entry = bool(state.holders), state.entry
    if entry is not None and (variant == "delete" or (entry[1] == state.generation and not held)):
        return f"r{index} hits", state.with_reader(index, replace(reader, step=9, value=entry[0]))
    generation = None if held else state.generation
    return f"r{index} misses", state.with_reader(index, replace(reader, step=2, generation=generation))


def _fill(state: State, index: int, reader: Reader, variant: str) -> tuple[str, State]:
    generation = state.generation if variant == "fill-with-newest-generation" else reader.generation
    stored = variant == "delete" or (generation is not None and not state.holders)
    changes = {"entry": (reader.value, generation or 0)} if stored else {}
    return f"r{index} fills", state.with_reader(index, replace(reader, step=9), **changes)


def faults(state: State, variant: str) -> Iterator[tuple[str, State]]:
    """Deadlines of dead writers' holds, and what may happen to Redis."""
    for index in state.holders:
        if state.writers[index].step == 9:
            kept = state.generation if variant == "lapse-keeps-generation" else None
            yield f"w{index}'s hold lapses", replace(state, holders=state.holders - {index}, generation=kept)
    if state.faults and variant != "delete":
        gone = {"generation": None, "holders": frozenset(), "faults": state.faults - 1}
        yield "the tag is evicted", replace(state, **gone)  # type: ignore[arg-type]
        yield "Redis is flushed", replace(state, entry=None, **gone)  # type: ignore[arg-type]


def run(variant: str) -> Explored:
    """Explore one variant or mutant."""

    def steps(state: State) -> Iterator[tuple[str, State]]:
        yield from writes(state, variant)
        yield from reads(state, variant)
        yield from faults(state, variant)

    return explore(State(), steps, _is_stale)


def _is_stale(state: State) -> bool:
    return any(reader.step == 9 and reader.value < reader.floor for reader in state.readers)


if __name__ == "__main__":
    for name in sys.argv[1:] or [*VARIANTS, *MUTANTS]:
        print(f"{name}: {run(name)}")
