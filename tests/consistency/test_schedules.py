"""The real code keeps the property in every interleaving of a read and a write, and the checker finds each mutant."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from math import comb
from types import SimpleNamespace
from typing import Any

import pytest

from tests.consistency.actors import pause
from tests.consistency.gates import MUTANTS, Gates
from tests.consistency.scenes import KINDS, GroupScene
from tests.consistency.schedules import Explored, explore
from tests.services.redis import RedisUnderTest

Play = Callable[[str, str, Gates], Explored]


@pytest.fixture
def play(
    declare: Any, tagged: Any, database: str, redis_cache: RedisUnderTest, caplog: pytest.LogCaptureFixture
) -> Play:
    """`play(kind, start, gates)` runs all schedules of one kind of write."""
    caplog.set_level(logging.WARNING, logger="cache_platform.access")  # a line for each read would cost much time

    def run(kind: str, start: str, gates: Gates) -> Explored:
        change, view, _ = KINDS[kind]
        if view == "id":
            tagged("group:{pk}")
            policy = declare(params={"id": int}, schema=str, tags=("group:{id}",))
        else:
            tagged("named:{name}")
            policy = declare(params={"name": str}, schema=int, tags=("named:{name}",))
        return explore(partial(GroupScene, database, policy, change, view, start), gates)

    return run


@pytest.mark.parametrize(("kind", "start"), [(name, start) for name, kind in KINDS.items() for start in kind.least])
def test_no_schedule_has_a_stale_read(play: Play, kind: str, start: str) -> None:
    """Whatever is written, and whether or not there was an entry."""
    explored = play(kind, start, Gates())
    assert explored.found is None
    assert explored.schedules >= KINDS[kind].least[start]


@pytest.mark.parametrize("kind", ["QuerySet.update", "raw SQL with invalidate", "a row moves to the tag"])
def test_no_schedule_has_a_stale_read_under_anothers_hold(play: Play, kind: str) -> None:
    """Then nobody stores, and readers share the next load."""
    explored = play(kind, "held", Gates())
    assert explored.found is None
    assert explored.schedules >= 50


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_found_out(play: Play, mutant: str) -> None:
    """A checker that could not fail would show nothing."""
    wrong = MUTANTS[mutant]
    assert wrong.complaint in str(play(wrong.kind, wrong.start, wrong.gates()).found)


class Toy:
    """Two pauses in the read, three in the write; what was done by the two is noted in `log`."""

    stored = False

    def __init__(self, log: list[str]) -> None:
        self._log = log

    def _do(self, steps: str) -> SimpleNamespace:
        name = threading.current_thread().name
        for step in steps:
            if name in {"reader", "writer"}:
                self._log.append(step)
            pause(step)
        return SimpleNamespace(value=0, cached=False)

    def read(self) -> Any:
        """Two steps and the return."""
        return self._do("ab")

    def write(self) -> object:
        """Three steps and the return."""
        return self._do("ABC")

    def truth(self) -> int:
        """Nothing ever changes."""
        return 0

    def end(self) -> None:
        """Nothing to take back."""


def test_every_interleaving_is_run_once() -> None:
    """The number is the binomial coefficient, and each order of the steps is among them."""
    logs: list[list[str]] = []

    def direct() -> Toy:
        logs.append([])
        return Toy(logs[-1])

    assert explore(direct, Gates()) == Explored(schedules=comb(7, 3))
    orders = {"".join(log) for log in logs}
    assert len(orders) == comb(5, 2)
    assert {"".join(filter(str.islower, order)) for order in orders} == {"ab"}
    assert {"".join(filter(str.isupper, order)) for order in orders} == {"ABC"}
