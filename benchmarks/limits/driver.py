"""Eight processes that ask one limit together, as fast as they can and in bursts across the edges of windows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import redis

from benchmarks.limits.findings import Asked, Findings, findings
from benchmarks.limits.peers import Terms
from config.environment import BASE_DIR

RIGHT_CLOCKS = (0.0,) * 8
WRONG_CLOCKS = (-61.0, 61.0, 0.0, -7.3, 30.5, -0.2, 0.2, 3600.0)
"""How many seconds the clock of each process is ahead."""
SOON = 150
"""Milliseconds from an order to its first request: time for all processes to read it."""
Burst = dict[str, int]


class Askers:
    """The processes. Each method gives one identity's requests to all of them and returns what is certain of them."""

    def __init__(
        self, raw: redis.Redis, running: Sequence[subprocess.Popen[str]], *, terms: Terms, skews: Sequence[float]
    ) -> None:
        self._raw, self._running = raw, running
        self._limit, self._window = terms.limit, terms.window * 1000
        self._by_clock = sorted(range(len(skews)), key=skews.__getitem__)
        self._identities = 0

    def hammer(self, limiter: str) -> Findings:
        """As fast as they can, for two and a half windows."""
        at = self._now() + SOON
        until = at + self._window * 5 // 2
        return self._all(limiter, self._anybody(), [{"at": at, "until": until}])

    def across_seconds(self, limiter: str, *, margin: int, each: int = 5) -> Findings:
        """Bursts just before a whole second, just after it and just after the next one: windows that begin at fixed
        moments begin at one of the two, if they are two seconds long or shorter."""
        second = -(-(self._now() + SOON + margin) // 1000) * 1000
        moments = [second - margin, second + margin // 4, second + 1000 + margin // 4]
        return self._all(limiter, self._anybody(), [{"at": at, "requests": each} for at in moments])

    def across_first_window(self, limiter: str, *, margin: int, each: int = 5) -> Findings:
        """One request, then bursts at the end of the window that it begins, at the beginning of the next one, and
        just before a window has passed since the first burst."""
        who = self._anybody()
        first = self._order(0, limiter, who, [{"at": 0, "requests": 1}])
        end = first[0].after + self._window
        moments = [end - margin, end + margin // 4, end + self._window - 2 * margin]
        return self._all(limiter, who, [{"at": at, "requests": each} for at in moments], first)

    def again_after_window(self, limiter: str, *, margin: int, each: int = 5) -> Findings:
        """A burst, and another one when its window has passed: nothing may be left of the first one."""
        at = self._now() + SOON
        moments = [at, at + self._window + margin]
        return self._all(limiter, self._anybody(), [{"at": at, "requests": each} for at in moments])

    def in_turn(self, limiter: str) -> Findings:
        """One process after the other, the one whose clock is the most behind first, each asks `limit` times."""
        who, asked = self._anybody(), list[Asked]()
        for index in self._by_clock:
            asked += self._order(index, limiter, who, [{"at": 0, "requests": self._limit}])
        return findings(asked, limit=self._limit, window_ms=self._window)

    def in_step(self, limiter: str, *, each: int = 5) -> Findings:
        """All processes read the limiter's state before any of them writes it, `each` times."""
        burst = {"at": self._now(), "requests": each}
        return self._all(limiter, self._anybody(), [burst], in_step=len(self._running))

    def _all(
        self, limiter: str, who: str, bursts: Sequence[Burst], before: Sequence[Asked] = (), *, in_step: int = 0
    ) -> Findings:
        for process in self._running:
            _send(process, limiter=limiter, who=who, bursts=bursts, in_step=in_step)
        asked = [*before, *(each for process in self._running for each in _received(process))]
        return findings(asked, limit=self._limit, window_ms=self._window)

    def _order(self, index: int, limiter: str, who: str, bursts: Sequence[Burst]) -> list[Asked]:
        _send(self._running[index], limiter=limiter, who=who, bursts=bursts)
        return _received(self._running[index])

    def _anybody(self) -> str:
        """An identity that nobody has asked for yet."""
        self._identities += 1
        return f"somebody-{self._identities}"

    def _now(self) -> int:
        moment: Any = self._raw.time()
        return int(moment[0]) * 1000 + int(moment[1]) // 1000


@contextmanager
def askers(terms: Terms, skews: Sequence[float]) -> Iterator[Askers]:
    """One process for each of `skews`, on the server of `terms`, which is emptied; they end with the block."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "benchmarks.limits.asker", terms.url, str(terms.limit), str(terms.window)]
    with redis.Redis.from_url(terms.url) as raw, ExitStack() as stack:
        raw.flushall()
        running = [stack.enter_context(_process([*command, str(skew)], environment)) for skew in skews]
        for process in running:
            _line(process)
        yield Askers(raw, running, terms=terms, skews=skews)


@contextmanager
def _process(command: Sequence[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(  # noqa: S603  # this interpreter, on this package
        command, cwd=BASE_DIR, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _send(process: subprocess.Popen[str], **order: object) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()


def _received(process: subprocess.Popen[str]) -> list[Asked]:
    return [Asked(*each) for each in json.loads(_line(process))]


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line: str = process.stdout.readline()
    if not line:
        raise RuntimeError("a process has ended; its error is above")
    return line
