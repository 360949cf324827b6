"""Counters in Redis: a hash for each minute, each five, each hour, and one for all time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from cache_platform.conf import conf
from cache_platform.stores.base import LOADS_KEPT, LOADS_LAST, STEPS, Bucket, Loads
from cache_platform.stores.calls import Call

if TYPE_CHECKING:
    from redis import Redis

    Ask = Callable[[Callable[[Redis], Any]], Any]

MINUTES_KEPT = 6 * 3600 + 600
"""Of minutes and of fives: six hours, and a bucket that is counted into until its end."""
HOURS_KEPT = 8 * 24 * 3600
"""Seconds."""
FIELDS_A_PAGE = 5000
"""Counters. A server answers a page before it turns to others, and so many take it a few milliseconds."""
LONGEST_AMOUNT = 19
"""Digits; what Redis counts up to has as many."""


def base_key() -> str:
    """What all keys of counters begin with. The braces keep them in one slot of a Redis Cluster."""
    return f"{conf.prefix}:{{stats}}"


def read_buckets(ask: Ask, **counts: int) -> list[Bucket]:
    """The buckets, those of hours first. A round trip tells how large they are, and one more where this machine's clock
    is in another bucket than the server's: buckets go by the server's. Then one for each FIELDS_A_PAGE."""
    units = {unit: step for unit, step in STEPS.items() if counts.get(unit)}
    if not units:
        return []
    seconds = int(time.time())
    while True:
        starts = [
            (unit, number * step)
            for unit, step in units.items()
            for number in range(seconds // step - counts[unit], seconds // step + 1)
        ]
        names = [f"{base_key()}:{unit[0]}:{start // STEPS[unit]}" for unit, start in starts]
        now, sizes = ask(partial(_sizes, names=names))
        if all(now // step == seconds // step for step in units.values()):
            break
        seconds = now
    found: dict[str, dict[str, int]] = {}
    for page in _pages(dict(zip(names, sizes, strict=True))):
        found |= ask(partial(_amounts, names=page))
    return [(start, found.get(name, {})) for (_, start), name in zip(starts, names, strict=True)]


def _pages(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """The names of what is not empty, as many at a time as have FIELDS_A_PAGE together, or one."""
    page, fields = list[str](), 0
    for name, size in sizes.items():
        if page and fields + size > FIELDS_A_PAGE:
            yield page
            page, fields = [], 0
        if size:
            page.append(name)
            fields += size
    if page:
        yield page


def _sizes(client: Redis, *, names: list[str]) -> tuple[int, list[int]]:
    """The server's seconds, and how many counters these buckets have."""
    pipeline = client.pipeline(transaction=False)
    pipeline.time()
    for name in names:
        pipeline.hlen(name)
    (now, _), *sizes = pipeline.execute()
    return now, sizes


def _amounts(client: Redis, *, names: list[str]) -> dict[str, dict[str, int]]:
    """What is in these buckets."""
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.hgetall(name)
    return {name: amounts_of(found) for name, found in zip(names, pipeline.execute(), strict=True)}


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
