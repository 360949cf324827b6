"""Counters in Redis: a hash for each minute, for each hour, and one for all time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cache_platform.conf import conf
from cache_platform.stores.base import LOADS_KEPT, LOADS_LAST, Bucket, Loads
from cache_platform.stores.calls import Call

if TYPE_CHECKING:
    from redis import Redis

    Page = tuple[int, list[dict[str, int]]]
    Ask = Callable[[Callable[[Redis], Page]], Page]

MINUTES_KEPT = 6 * 3600 + 120
HOURS_KEPT = 8 * 24 * 3600
"""Seconds."""
BUCKETS_A_PAGE = 61
"""An hour of minutes. A server answers a page before it turns to others, and hundreds of full buckets take it tens of
milliseconds."""
LONGEST_AMOUNT = 19
"""Digits; what Redis counts up to has as many."""


def base_key() -> str:
    """What all keys of counters begin with. The braces keep them in one slot of a Redis Cluster."""
    return f"{conf.prefix}:{{stats}}"


def read_buckets(ask: Ask, *, minutes: int, hours: int) -> list[Bucket]:
    """The buckets, those of hours first. One round trip for each BUCKETS_A_PAGE, and one more where this machine's
    clock is in another minute or hour than the server's: buckets go by the server's."""
    units = [unit for unit in (("h", 3600, hours), ("m", 60, minutes)) if unit[2]]
    if not units:
        return []
    seconds = int(time.time())
    while True:
        wanted = [
            (unit, length, number)
            for unit, length, count in units
            for number in range(seconds // length - count, seconds // length + 1)
        ]
        names = [f"{base_key()}:{unit}:{number}" for unit, _, number in wanted]
        now, found = ask(partial(_page, names=names[:BUCKETS_A_PAGE]))
        if all(now // length == seconds // length for _, length, _ in units):
            break
        seconds = now
    for first in range(BUCKETS_A_PAGE, len(names), BUCKETS_A_PAGE):
        found += ask(partial(_page, names=names[first : first + BUCKETS_A_PAGE]))[1]
    return list(zip((number * length for _, length, number in wanted), found, strict=True))


def _page(client: Redis, *, names: list[str]) -> Page:
    """The server's seconds, and what is in these buckets."""
    pipeline = client.pipeline(transaction=False)
    pipeline.time()
    for name in names:
        pipeline.hgetall(name)
    (now, _), *hashes = pipeline.execute()
    return now, [amounts_of(found) for found in hashes]


def added(process: str, batch: int, counters: Mapping[str, int], loads: Loads) -> Call:
    """A call of `add_counters`."""
    counted = [word for pair in counters.items() for word in pair]
    noted = [word for policy, texts in loads.items() for text in texts for word in (policy, text)]
    keep = (MINUTES_KEPT, HOURS_KEPT, batch, LOADS_KEPT, LOADS_LAST, len(counted))
    return [f"{base_key()}:p:{process}", base_key()], [*keep, *counted, *noted]


def totals_of(answer: list[bytes]) -> dict[str, int]:
    """What `totals` answered."""
    return amounts_of(dict(zip(answer[::2], answer[1::2], strict=True)))


def amounts_of(found: Mapping[Any, Any]) -> dict[str, int]:
    """A hash's counters; what is no number was not written by us."""
    return {name.decode(errors="replace"): int(text[:LONGEST_AMOUNT]) for name, text in found.items() if text.isdigit()}


def summed(buckets: Iterable[Bucket]) -> dict[str, int]:
    """The sums over `buckets`."""
    sums: dict[str, int] = {}
    for _, amounts in buckets:
        for name, amount in amounts.items():
            sums[name] = sums.get(name, 0) + amount
    return sums
