"""What a flush of a policy with 100,000 entries costs while others read it, beside a PING in the same run.

Run as `python -m benchmarks.flush`. It starts a Valkey of its own, stores 100,000 entries, has two processes read them
without pause, who note every value that is older than a flush that had returned, and prints the times of 200 flushes
and of 200 PINGs, in turns, and what the readers saw.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ENTRIES, PAGE = 100_000, 500
READERS, FLUSHES = 2, 200


def main() -> int:
    """Measure and print; 1 when a reader saw something old or an error."""
    from tests.services.redis import RedisUnderTest

    with tempfile.TemporaryDirectory() as name, RedisUnderTest(Path(name) / "redis") as redis:
        policy = set_up(redis.url)
        fill(policy)
        context = multiprocessing.get_context("spawn")
        version, floor, stop = context.Value("q", 0), context.Value("q", 0), context.Event()
        seen = context.Queue()
        readers = [context.Process(target=read, args=(redis.url, version, floor, stop, seen)) for _ in range(READERS)]
        for reader in readers:
            reader.start()
        for _ in readers:
            seen.get(timeout=60)  # it reads
        times = measure(policy, version, floor)
        stop.set()
        saw = [seen.get(timeout=60) for _ in readers]
        for reader in readers:
            reader.join(30)
    show(times)
    reads, wrong = sum(each[0] for each in saw), [text for each in saw for text in each[1]]
    sys.stdout.write(f"{reads:,} reads meanwhile; old values and errors: {len(wrong)} {wrong[:3] or ''}\n")
    return 1 if wrong else 0


def set_up(url: str) -> Any:  # noqa: ANN401  # a policy
    """Use the server at `url`; the policy."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    import logging

    from django.conf import settings

    from cache_platform import CachePolicy, register

    logging.disable(logging.WARNING)
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "STORE": "redis"}
    settings.CACHES = {"default": {"BACKEND": "cache_platform.backend.RedisCache", "LOCATION": url, "KEY_PREFIX": "b"}}
    return register(CachePolicy(name="bench.full", schema=dict, params={"number": int}, ttl=3600))


def fill(policy: Any) -> None:  # noqa: ANN401
    """Store all entries."""
    from cache_platform import get_many_or_load

    for first in range(0, ENTRIES, PAGE):
        wanted = [{"number": number} for number in range(first, first + PAGE)]
        get_many_or_load(policy, wanted, lambda missing: [{"version": 0, "text": "x" * 100} for _ in missing])


def read(url: str, version: Any, floor: Any, stop: Any, seen: Any) -> None:  # noqa: ANN401  # of multiprocessing
    """Read entries at random until told to stop; how many, and what was wrong."""
    policy = set_up(url)
    from cache_platform import get_or_load

    def load(number: int) -> dict[str, Any]:  # noqa: ARG001  # a loader's signature
        return {"version": version.value, "text": "x" * 100}

    wrong: list[str] = []
    reads = 0
    seen.put("ready")
    while not stop.is_set():
        least = floor.value
        try:
            found = get_or_load(policy, {"number": random.randrange(ENTRIES)}, load)  # noqa: S311  # no secret
            if found is None or found["version"] < least:
                wrong.append(f"{found} at {least}")
        except Exception as error:  # noqa: BLE001  # whatever it is, a reader got it
            wrong.append(repr(error))
        reads += 1
    seen.put((reads, wrong))


def measure(policy: Any, version: Any, floor: Any) -> dict[str, list[float]]:  # noqa: ANN401
    """Seconds of each flush and each PING, which take turns."""
    from cache_platform.flushing import flush, target_of
    from cache_platform.stores import get_store

    target = target_of({"policy": policy.name})
    times: dict[str, list[float]] = {"flush": [], "PING": []}
    for _ in range(FLUSHES):
        version.value += 1
        times["flush"].append(timed(lambda: flush(target, by=None, where="command")))
        floor.value = version.value
        times["PING"].append(timed(get_store().ping))
        time.sleep(0.02)  # entries come back, so that the next one supersedes some
    return times


def timed(act: Callable[[], object]) -> float:
    """Seconds that it takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def show(times: dict[str, list[float]]) -> None:
    """Print the table."""
    base = statistics.median(times["PING"])
    sys.stdout.write(f"{'':8} {'median':>10} {'p95':>10} {'max':>10} {'ratio':>6}\n")
    for name, found in times.items():
        median, p95 = statistics.median(found), statistics.quantiles(found, n=20)[-1]
        figures = "".join(f"{seconds * 1000:8.2f} ms" for seconds in (median, p95, max(found)))
        sys.stdout.write(f"{name:8}{figures} {median / base:6.1f}\n")


if __name__ == "__main__":
    sys.exit(main())
