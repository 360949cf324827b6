"""What one decision costs: round trips, memory, and time beside the others in the same run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from benchmarks.limits import peers

ROUNDS = 150
MARK = "benchmark:end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Round trips of an admitted and of a refused request, bytes of one identity's keys once its limit is used up, and
    the median seconds of a decision, of which half are refusals."""

    admitted_trips: float
    refused_trips: float
    key_bytes: int
    seconds: float


def costs(terms: peers.Terms) -> dict[str, Costs]:
    """Of each limiter, by name, on the server of `terms`, which is emptied. Django is set up here, once a process."""
    peers.set_up(terms.url)
    limiters = {name: make(terms) for name, make in peers.LIMITERS.items()}
    with redis.Redis.from_url(terms.url) as raw:
        raw.flushall()
        for limiter in limiters.values():
            limiter.ask("warm-up")  # connections are made, scripts loaded
        seconds = _seconds(limiters, terms.limit)
        return {
            name: Costs(
                admitted_trips=_trips(raw, limiter, "trips", terms.limit),
                refused_trips=_trips(raw, limiter, "trips", terms.limit),
                key_bytes=_key_bytes(raw, limiter, terms.limit),
                seconds=seconds[name],
            )
            for name, limiter in limiters.items()
        }


def _seconds(limiters: Mapping[str, peers.Limiter], limit: int) -> dict[str, float]:
    """They take turns, so that what slows the machine slows all."""
    found: dict[str, list[float]] = {name: [] for name in limiters}
    for turn in range(ROUNDS):
        for name, limiter in limiters.items():
            for _ in range(2 * limit):
                began = time.perf_counter()
                limiter.ask(f"time-{turn}")
                found[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in found.items()}


def _trips(raw: redis.Redis, limiter: peers.Limiter, who: str, requests: int) -> float:
    """Commands a request that came over a connection; those that a script runs are none."""
    with raw.monitor() as monitor:  # type: ignore[no-untyped-call]  # redis-py has no types here
        raw.echo(MARK)  # its connection is made, and says hello, before anything is counted
        while MARK not in monitor.next_command()["command"]:
            pass
        for _ in range(requests):
            limiter.ask(who)
        raw.echo(MARK)
        seen = 0
        while MARK not in (command := monitor.next_command())["command"]:
            seen += command["client_type"] != "lua"
    return seen / requests


def _key_bytes(raw: redis.Redis, limiter: peers.Limiter, limit: int) -> int:
    before = set(raw.scan_iter())
    for _ in range(limit):
        limiter.ask("bytes")
    added: list[Any] = [key for key in raw.scan_iter() if key not in before]
    return sum(int(raw.memory_usage(key, samples=0) or 0) for key in added)
