"""Every interleaving of one read and one write of the real code, step by step, each checked.

The read stops after its lookup, in its loader after the SELECT, before its fill and after it; the write stops after its
UPDATE, after its hold, after its COMMIT and after its bump. A schedule says who makes each next step; all schedules
are run, found by trying the other choice at the last place that had one. Whenever one of the two returns, a third
thread begins a read, which goes on as far as it gets; so its last one begins after all else. Then there is one more.

The property: a read gives a value that was committed; one that begins after the write has returned gives what the
database has; reads that do not overlap never go backwards, a look at the database after the COMMIT among them (it is
what a read without the store gives); and after all of it an entry answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple, Protocol

from cache_platform.reads import Read
from tests.consistency.actors import RETURNED, Actor
from tests.consistency.gates import COMMITTED, Gates


class Scene(Protocol):
    """What one schedule is about: something that is read, and a write that may change it. Made anew for each."""

    stored: bool
    """Whether an entry answers in the end."""

    def read(self) -> Read[Any]:
        """Read it through the cache."""

    def write(self) -> object:
        """Change it."""

    def truth(self) -> Any:
        """What the database has."""

    def end(self) -> None:
        """Take back what was done to the store for this scene."""


class Director(Protocol):
    """Makes scenes."""

    def __call__(self) -> Scene:
        """A scene that no schedule was played in before."""


class Choice(NamedTuple):
    """Who made a step, and who could have made it instead."""

    taken: str
    others: tuple[str, ...]


class Seen(NamedTuple):
    """One read: when it began and returned, by the number of steps made, and what it gave."""

    who: str
    began: int
    returned: int
    value: Any


@dataclass
class Explored:
    """How many schedules were run, and what the first bad one did; None when none was bad."""

    schedules: int = 0
    found: str | None = None


class Cast:
    """The three threads, for as many schedules as there are."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.reader = Actor("reader")
        self.writer = Actor("writer")
        self.late = Actor("late reader", pauses=False)

    def __enter__(self) -> Cast:
        for actor in (self.reader, self.writer, self.late):
            self._stack.enter_context(actor)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()


@dataclass
class Performance:
    """One schedule: `wanted` are its first choices, the others fall on whoever can make a step."""

    cast: Cast
    scene: Scene
    wanted: list[str]
    choices: list[Choice] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    reads: list[Seen] = field(default_factory=list)
    began: dict[str, int] = field(default_factory=dict)
    wrote: int = -1
    """When the write had returned."""

    def run(self) -> str | None:
        """What is wrong with what was seen; None when nothing is."""
        before = self.scene.truth()
        actors = {actor.name: actor for actor in (self.cast.reader, self.cast.writer)}
        actors["reader"].begin(self.scene.read)
        actors["writer"].begin(self.scene.write)
        while actors:
            names = tuple(actors)
            position = len(self.choices)
            name = self.wanted[position] if position < len(self.wanted) else names[0]
            self.choices.append(Choice(name, tuple(other for other in names if other != name)))
            if self._step(actors[name]) == RETURNED:
                self._returned(actors.pop(name))
        self._end_late_read()
        last = self.scene.read()  # the late reader's that began when all had returned was the first one
        self._note("reader after all", last.value)
        versions = list(dict.fromkeys([before, self.scene.truth()]))
        self.scene.end()
        if self.scene.stored and not last.cached:
            return self._told("no entry answers in the end")
        return self._verdict(versions)

    def _step(self, actor: Actor) -> str:
        self.began.setdefault(actor.name, len(self.steps))
        label = actor.step()
        self.steps.append(f"{actor.name} {label}")
        if label == COMMITTED:
            self._note("look at the database", self.scene.truth())
        return label

    def _returned(self, actor: Actor) -> None:
        if actor.error is not None:
            raise AssertionError(self._told("an error")) from actor.error
        if actor is self.cast.writer:
            self.wrote = len(self.steps)
        else:
            self._saw(actor)
        self._end_late_read()
        self.cast.late.begin(self.scene.read)
        self.steps.append("late reader begins")
        self.began[self.cast.late.name] = len(self.steps)
        if self.cast.late.step() == RETURNED:
            self._late_read_returned()

    def _end_late_read(self) -> None:
        if self.cast.late.name in self.began:
            while self.cast.late.wait() != RETURNED:
                pass
            self._late_read_returned()

    def _late_read_returned(self) -> None:
        late = self.cast.late
        if late.error is not None:
            raise AssertionError(self._told("an error")) from late.error
        self._saw(late)

    def _saw(self, actor: Actor) -> None:
        began = self.began.pop(actor.name)
        self.steps.append(f"{actor.name} gives {actor.value.value!r}")
        self.reads.append(Seen(actor.name, began, len(self.steps), actor.value.value))

    def _note(self, who: str, value: Any) -> None:
        """A read that began and returned just now."""
        began = len(self.steps)
        self.steps.append(f"{who} gives {value!r}")
        self.reads.append(Seen(who, began, len(self.steps), value))

    def _verdict(self, versions: list[Any]) -> str | None:
        for seen in self.reads:
            if seen.value not in versions:
                return self._told(f"the {seen.who} gives what was never committed")
            if self.wrote <= seen.began and seen.value != versions[-1]:
                return self._told(f"the {seen.who} begins after the write has returned and gives an older value")
        for one, other in combinations(sorted(self.reads, key=lambda seen: seen.began), 2):
            if one.returned <= other.began and versions.index(other.value) < versions.index(one.value):
                return self._told(f"the {other.who} goes back behind the {one.who}")
        return None

    def _told(self, what: str) -> str:
        return f"{what}: {' / '.join(self.steps)}"


def explore(director: Director, gates: Gates) -> Explored:
    """Run all schedules, up to the first that is bad."""
    explored = Explored()
    with gates.installed(), Cast() as cast:
        for performance in _performances(director, cast):
            explored.schedules += 1
            explored.found = performance.run()
            if explored.found is not None:
                return explored
    return explored


def _performances(director: Director, cast: Cast) -> Iterator[Performance]:
    """One for each schedule, by what the one before came to."""
    wanted: list[str] | None = []
    while wanted is not None:
        performance = Performance(cast, director(), wanted)
        yield performance
        wanted = _next(performance.choices)


def _next(choices: list[Choice]) -> list[str] | None:
    """The choices of the next schedule: of two actors, the second is tried after the first."""
    for position in range(len(choices) - 1, -1, -1):
        taken, others = choices[position]
        if others and taken < others[0]:
            return [choice.taken for choice in choices[:position]] + [others[0]]
    return None
