"""Counters in Redis: a hash for each minute, for each hour, and one for all time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cache_platform.conf import conf
from cache_platform.stores.base import Bucket

if TYPE_CHECKING:
    from redis import Redis

MINUTES_KEPT = 6 * 3600 + 120
HOURS_KEPT = 8 * 24 * 3600
"""Seconds."""


def base_key() -> str:
    """What all keys of counters begin with. The braces keep them in one slot of a Redis Cluster."""
    return f"{conf.prefix}:{{stats}}"


def read_buckets(client: Redis, *, minutes: int, hours: int) -> list[Bucket]:
    """The buckets, those of hours first. One round trip, and one more where this machine's clock is in another minute
    or hour than the server's: buckets go by the server's, and a script that reads hundreds keeps it from all others."""
    units = [unit for unit in (("h", 3600, hours), ("m", 60, minutes)) if unit[2]]
    seconds = int(time.time())
    while True:
        wanted = [
            (unit, length, number)
            for unit, length, count in units
            for number in range(seconds // length - count, seconds // length + 1)
        ]
        pipeline = client.pipeline(transaction=False)
        pipeline.time()
        for unit, _, number in wanted:
            pipeline.hgetall(f"{base_key()}:{unit}:{number}")
        (now, _), *hashes = pipeline.execute()
        if all(now // length == seconds // length for _, length, _ in units):
            starts = [number * length for _, length, number in wanted]
            return list(zip(starts, map(amounts_of, hashes), strict=True))
        seconds = now


def read_totals(client: Redis) -> dict[str, int]:
    """The sums of all time, or since the server lost them."""
    return amounts_of(client.hgetall(f"{base_key()}:total"))


def amounts_of(found: Mapping[Any, Any]) -> dict[str, int]:
    """A hash's counters; what is no number was not written by us."""
    return {name.decode(errors="replace"): int(text[:15]) for name, text in found.items() if text.isdigit()}


def summed(buckets: Iterable[Bucket]) -> dict[str, int]:
    """The sums over `buckets`."""
    sums: dict[str, int] = {}
    for _, amounts in buckets:
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0) + amount
    return sums
