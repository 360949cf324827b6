"""Flushing while many read: no error, and nothing older than the flush after it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cache_platform import get_or_load
from cache_platform.flushing import flush, target_of
from tests.integration.flushing.test_costs import ENTRIES, full
from tests.services.waiting import wait_until

__all__ = ["full"]

READERS = 6
OLD = ENTRIES - 10
"""The first that is read: half of them are among the entries that are there."""
FLUSHES = 8
"""Of each kind."""
TARGETS: list[dict[str, Any]] = [{"policy": "test.full"}, {"tag": "policy:test.full"}, {"all": True}]


class Crowd:
    """Threads that read entries of a policy without pause, and note every value that is older than it may be."""

    def __init__(self, policy: Any) -> None:
        self._policy = policy
        self.version = 0
        """What the source has."""
        self.floor = 0
        """What no read that begins now may be older than."""
        self.reads = [0] * READERS
        self.wrong: list[Any] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(number,)) for number in range(READERS)]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _read(self, number: int) -> None:
        while not self._stop.is_set():
            floor = self.floor
            try:
                read = get_or_load(self._policy, {"user_id": OLD + self.reads[number] % 20}, self._load)
                if read is None or read["version"] < floor:
                    self.wrong.append((read, floor))
            except Exception as error:
                self.wrong.append(error)
            self.reads[number] += 1

    def _load(self, user_id: int) -> dict[str, int]:
        read = self.version
        time.sleep(0.001)  # a load under way is overtaken between reading and returning
        return {"version": read}

    def wait_until_all_have_read(self) -> None:
        """Everybody has begun a read since now, and ended it."""
        before = list(self.reads)
        wait_until(
            lambda: all(now > then + 1 for now, then in zip(self.reads, before, strict=True)),
            what="all have read since",
        )
        assert all(thread.is_alive() for thread in self._threads)


@pytest.fixture
def crowd(full: Any, caplog: pytest.LogCaptureFixture) -> Iterator[Crowd]:
    """They read a policy of 100,000 entries."""
    caplog.set_level(logging.WARNING, logger="cache_platform.access")  # a line for each read would cost much time
    with Crowd(full) as readers:
        yield readers


def test_nothing_older_is_read_after_a_flush(crowd: Crowd) -> None:
    """What is loaded at that moment, and was read from the source before, is superseded as well."""
    crowd.wait_until_all_have_read()
    for given in TARGETS * FLUSHES:
        crowd.version += 1
        assert flush(target_of(given), by=None, where="command").generations == 1
        crowd.floor = crowd.version
        crowd.wait_until_all_have_read()
    assert crowd.wrong == []
