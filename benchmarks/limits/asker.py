"""One of several processes that ask limiters. Its clock is wrong by what it is told.

Run as `python -m benchmarks.limits.asker URL LIMIT WINDOW SKEW`. Each line of its input is an order as JSON: which
limiter, for whom, and the bursts, which begin `at` a moment of Redis' clock in milliseconds and are so many `requests`
or last `until` another moment. For each order it prints a line: `[before, after, admitted]` of all its requests.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import redis

from benchmarks.limits import peers

PATIENCE = 20.0
"""Seconds after which processes that wait for each other give up."""


def main() -> int:
    """Obey until the input ends."""
    url, limit, window, skew = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    # Before anybody takes a reference to it; like the real one, it is no method where it stands in a class.
    time.time = partial(_ahead, time.time, skew)
    peers.set_up(url)
    asker = Asker(url, peers.Terms(url=url, limit=limit, window=window))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(list(asker.obey(json.loads(line)))) + "\n")
        sys.stdout.flush()
    return 0


def _ahead(real: Callable[[], float], seconds: float) -> float:
    return real() + seconds


class Asker:
    """Asks, and writes down when by Redis' clock."""

    def __init__(self, url: str, terms: peers.Terms) -> None:
        self._raw = redis.Redis.from_url(url)
        self._limiters = {name: make(terms) for name, make in peers.LIMITERS.items()}

    def obey(self, order: dict[str, Any]) -> Iterator[tuple[int, int, bool]]:
        """The requests of one order."""
        limiter, who, in_step = self._limiters[order["limiter"]], order["who"], order.get("in_step", 0)
        restore = self._meet_after_reading(f"met:{who}", in_step) if in_step else None
        try:
            for burst in order["bursts"]:
                self._wait(burst["at"])
                left = burst.get("requests", sys.maxsize)
                while left > 0 and (before := self.now()) < burst.get("until", sys.maxsize):
                    admitted = limiter.ask(who)
                    moment = limiter.moment() if admitted else None
                    yield (before, self.now(), admitted) if moment is None else (moment, moment, True)
                    left -= 1
        finally:
            if restore is not None:
                restore()

    def now(self) -> int:
        """Milliseconds of Redis' clock, rounded down."""
        moment: Any = self._raw.time()
        return int(moment[0]) * 1000 + int(moment[1]) // 1000

    def _wait(self, at: int) -> None:
        while (left := at - self.now()) > 0:
            time.sleep(left / 2000 if left > 4 else 0.0002)

    def _meet_after_reading(self, name: str, processes: int) -> Callable[[], None]:
        """Have each process that has read from the peers' cache wait there until all have."""
        from django.core.cache import caches

        cache: Any = caches["peers"]
        read = cache.get

        def get(*args: object, **kwargs: object) -> object:
            value = read(*args, **kwargs)
            self._meet(name, processes)
            return value

        cache.get = get
        return lambda: delattr(cache, "get")

    def _meet(self, name: str, processes: int) -> None:
        here: Any = self._raw.incr(name)
        wanted = -(-int(here) // processes) * processes
        deadline = time.monotonic() + PATIENCE
        while int(self._raw.get(name) or 0) < wanted:
            if time.monotonic() > deadline:
                raise RuntimeError("the other processes did not come")
            time.sleep(0.0005)


if __name__ == "__main__":
    sys.exit(main())
