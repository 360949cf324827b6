"""Another process that reads one entry each time it is told to; run it with the Redis's address."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from cache_platform.policies import CachePolicy
from tests.services.forked import Forked

POLICY: CachePolicy[Any] = CachePolicy(
    name="test.elsewhere", schema=dict, ttl=3600, params={"id": int}, tags=("user:{id}",)
)
"""The same in both processes, and in no registry."""
PATIENT = {"SOCKET_TIMEOUT": 5, "SOCKET_CONNECT_TIMEOUT": 5}


class OtherReader:
    """The process, seen from the test. Between two reads it asks for nothing."""

    def __init__(self, process: Forked) -> None:
        self._process = process

    def read(self, value: str) -> list[str]:
        """Have it read with a loader that gives `value`; what it got, and how."""
        self._process.tell(value)
        return self._process.hear().split()


@contextmanager
def other_reader(url: str) -> Iterator[OtherReader]:
    """Such a process, for the Redis at `url`."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with Forked("tests.faults.other_reader", url, environment=environment) as process:
        yield OtherReader(process)


def load(value: str, id: int) -> dict[str, str]:
    """The loader."""
    return {"value": value}


def main(url: str) -> None:
    """Read for each line of the standard input."""
    import django
    from django.conf import settings

    django.setup()

    from cache_platform import read
    from tests.conftest import use_redis

    use_redis(settings, url)
    settings.CACHES["default"]["OPTIONS"] = PATIENT
    for line in sys.stdin:
        outcome = read(POLICY, {"id": 1}, partial(load, line.strip()))
        print(outcome.value["value"], outcome.source, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
