"""Run all limiters, print the table and write benchmarks/results/limits.md."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import redis

from benchmarks.limits.costs import costs
from benchmarks.limits.driver import RIGHT_CLOCKS, WRONG_CLOCKS, Askers, askers
from benchmarks.limits.findings import Findings, together
from benchmarks.limits.peers import LIMITERS, Terms
from benchmarks.limits.table import table
from config.environment import BASE_DIR
from tests.services.redis import RedisUnderTest

LIMIT, WINDOW = 20, 2
MARGIN = 60
"""How many milliseconds before an edge a burst begins."""
ROUNDS = 2
PACKAGES = ("redis", "django-redis", "djangorestframework", "django-ratelimit", "limits")
RESULT = BASE_DIR / "benchmarks" / "results" / "limits.md"


def main() -> int:
    """Measure, print and write."""
    with tempfile.TemporaryDirectory() as name, RedisUnderTest(Path(name) / "redis") as server:
        terms = Terms(url=server.url, limit=LIMIT, window=WINDOW)
        cost = costs(terms)
        right, wrong = (_found(terms, skews) for skews in (RIGHT_CLOCKS, WRONG_CLOCKS))
        text = table(right, wrong, cost) + "\n" + _circumstances(server)
    sys.stdout.write(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, encoding="utf-8")
    return 0


def _found(terms: Terms, skews: Sequence[float]) -> dict[str, Findings]:
    with askers(terms, skews) as asking:
        return {name: _scenes(asking, name) for name in LIMITERS}


def _scenes(asking: Askers, limiter: str) -> Findings:
    found = [asking.hammer(limiter), asking.in_turn(limiter)]
    bursts: list[Callable[..., Findings]] = [
        asking.across_seconds,
        asking.across_first_window,
        asking.again_after_window,
    ]
    for _ in range(ROUNDS):
        found += [scene(limiter, margin=MARGIN) for scene in bursts]
    return together(found)


def _circumstances(server: RedisUnderTest) -> str:
    with redis.Redis.from_url(server.url) as raw:
        valkey = raw.info("server")["valkey_version"]
    skews = ", ".join(f"{skew:g}" for skew in WRONG_CLOCKS)
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"Limit {LIMIT} in {WINDOW} s, {len(WRONG_CLOCKS)} processes; wrong clocks: ahead by {skews} s. "
        f"Valkey {valkey}, Python {python_version()}, {packages}.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
