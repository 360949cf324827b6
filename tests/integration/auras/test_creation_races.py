"""However many processes try, there is one aura of a name: one of them gets a 201, all others its number."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.integration.auras.racers import NAMES, PROCESSES
from tests.services.forked import Forked
from tests.services.redis import RedisUnderTest
from tests.services.site import base_environment

pytestmark = pytest.mark.long

Steps = dict[int, Callable[[RedisUnderTest], None]]
RUNS: dict[str, Steps] = {
    "left alone": {},
    "flushed": dict.fromkeys(range(100, 700, 50), RedisUnderTest.flush),
    "killed": {200: RedisUnderTest.kill, 500: RedisUnderTest.start},
    "paused": {200: RedisUnderTest.pause, 500: RedisUnderTest.resume},
}
"""What is done to Redis, by how many answers have come."""


class Racers:
    """The processes, see racers.py. Use as a context manager."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log

    def __enter__(self) -> Self:
        self._process = Forked("tests.integration.auras.racers", environment=self._environment, errors=self._log)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.finish()

    def begin(self) -> None:
        """Begin a race."""
        self._process.tell("go")

    def next(self) -> Any:
        """What they say next."""
        line = self._process.hear()
        assert line, self._log.read_text(encoding="utf-8")
        return json.loads(line)


@pytest.fixture
def auras() -> None:
    """In the place of this folder's: here other processes do everything, on servers of their own."""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisUnderTest]:
    """One that may be hurt."""
    with RedisUnderTest(tmp_path_factory.mktemp("redis")) as server:
        yield server
        if server.is_running:
            server.resume()


@pytest.fixture(scope="module")
def racers(
    redis: RedisUnderTest,
    postgres_url: str,
    postgres_alias: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Racers]:
    """For all of these tests: it takes them longer to begin than to race."""
    folder = tmp_path_factory.mktemp("racers")
    servers = {"REDIS_URL": redis.url, "DATABASE_URL": postgres_url}
    environment = base_environment(folder, **servers, RATE_LIMIT_AURAS="1000000/3600s", LOG_LEVEL="ERROR")
    with Racers(environment, folder / "racers.log") as found:
        yield found


@pytest.mark.parametrize("steps", RUNS.values(), ids=RUNS.keys())
def test_one_is_made_of_each_name(steps: Steps, racers: Racers, redis: RedisUnderTest) -> None:
    """16 processes, 50 names; whoever is told to come back (503) does, and nobody gets a 500."""
    answers: dict[str, list[tuple[int, int]]] = defaultdict(list)
    racers.begin()
    for number in range(PROCESSES * len(NAMES)):
        name, status, aura = racers.next()
        answers[name].append((status, aura))
        if number in steps:
            steps[number](redis)
    rows = racers.next()
    assert sorted(rows) == sorted(answers) == NAMES
    for name, found in answers.items():
        (row,) = rows[name]
        assert sorted(found) == [(201, row)] + [(409, row)] * (PROCESSES - 1), name
