"""What invalidation adds to a write: the same UPDATE with and without a declaration, in turns, in one run.

Run as `python -m benchmarks.write_cost`. It starts a Valkey and two PostgreSQL of its own, one whose COMMIT is flushed
to the disk and one whose COMMIT is not (the smallest write there can be), and prints for each the median time of a
write and the ratio to the one without a declaration.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db.models import Model

ROUNDS = 40
WRITES_A_ROUND = 25


def main() -> int:
    """Measure and print."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.conf import settings

    from tests.services.databases import added_database
    from tests.services.postgres import PostgresUnderTest
    from tests.services.redis import RedisUnderTest
    from tests.services.site import base_environment, migrate

    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "STORE": "redis"}
    with tempfile.TemporaryDirectory() as name, RedisUnderTest(Path(name) / "redis") as redis:
        settings.CACHES = {
            "default": {"BACKEND": "cache_platform.backend.RedisCache", "LOCATION": redis.url, "KEY_PREFIX": "b"}
        }
        folder = Path(name)
        folder.chmod(0o755)
        for title, durable in (("COMMIT is flushed to the disk", True), ("COMMIT is not flushed", False)):
            with PostgresUnderTest(folder / f"postgres-{durable}", durable=durable) as postgres:
                migrate(base_environment(folder, DATABASE_URL=postgres.url))
                with added_database("bench", postgres.url) as alias:
                    sys.stdout.write(f"{title}\n")
                    show(measure(alias))
    return 0


def measure(alias: str) -> dict[str, list[float]]:
    """Seconds of each write, by its name; the kinds take turns, so that what slows the machine slows all."""
    from django.contrib.auth.models import Group

    from cache_platform import tags_of

    group = Group.objects.using(alias).create(name="bench")
    kinds: dict[str, tuple[str, ...]] = {
        "without": (),
        "tag of the primary key": ("bench:{pk}",),
        "tag of another field": ("benchname:{name}",),
    }
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, templates in kinds.items():
            forget_all(Group)
            if templates:
                tags_of(Group, *templates)
            times[name] += timed(lambda: Group.objects.using(alias).filter(pk=group.pk).update(name="bench"))
    forget_all(Group)
    return times


def forget_all(model: type[Model]) -> None:
    """Drop all declarations of a model."""
    from cache_platform.invalidation import declarations, forget

    for declaration in list(declarations(model._meta.db_table)):
        forget(model, *declaration.templates)


def timed(write: Callable[[], object]) -> list[float]:
    """Seconds of each of some writes."""
    found = []
    for _ in range(WRITES_A_ROUND):
        began = time.perf_counter()
        write()
        found.append(time.perf_counter() - began)
    return found


def show(times: dict[str, list[float]]) -> None:
    """Print the table."""
    base = statistics.median(times["without"])
    sys.stdout.write(f"{'write':28} {'median':>9} {'p95':>9} {'ratio':>6}\n")
    for name, found in times.items():
        median, p95 = statistics.median(found), statistics.quantiles(found, n=20)[-1]
        sys.stdout.write(f"{name:28} {median * 1000:6.2f} ms {p95 * 1000:6.2f} ms {median / base:6.2f}\n")


if __name__ == "__main__":
    sys.exit(main())
