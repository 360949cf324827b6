"""The search that both models share: every state that can be reached, and the shortest way to a bad one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)


@dataclass(frozen=True)
class Explored:
    """How many states were visited, and the steps to a bad one; None when there is none."""

    states: int
    trace: list[str] | None

    def __str__(self) -> str:
        return f"{self.states} states, {'no stale read' if self.trace is None else 'STALE: ' + ' / '.join(self.trace)}"


class _Paths(Generic[S]):
    """Each state that was seen, with the step that led to it first."""

    def __init__(self, initial: S) -> None:
        self.came_from: dict[S, tuple[S, str] | None] = {initial: None}

    def add(self, state: S, before: S, label: str) -> bool:
        """True when the state is new."""
        if state in self.came_from:
            return False
        self.came_from[state] = (before, label)
        return True

    def to(self, state: S) -> list[str]:
        """The steps from the initial state to this one."""
        steps = []
        while (origin := self.came_from[state]) is not None:
            state, label = origin
            steps.append(label)
        return steps[::-1]


def explore(initial: S, steps: Callable[[S], Iterable[tuple[str, S]]], is_bad: Callable[[S], bool]) -> Explored:
    """Breadth first, so that the trace is a shortest one."""
    paths = _Paths(initial)
    waiting = deque([initial])
    while waiting:
        state = waiting.popleft()
        if is_bad(state):
            return Explored(len(paths.came_from), paths.to(state))
        waiting.extend(after for label, after in steps(state) if paths.add(after, state, label))
    return Explored(len(paths.came_from), None)
