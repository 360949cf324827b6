"""Statistics: counted once, sent once, summed up honestly."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

import pytest

from cache_platform import statistics
from cache_platform.exceptions import StoreUnavailable
from cache_platform.statistics import Counters, hit_rate, load_time_counter, read_window, summary
from cache_platform.stores.memory import MemoryStore
from cache_platform.testing import FakeClock


@pytest.fixture
def store() -> Any:
    """A store with a clock that moves when told, used by the statistics."""
    clock = FakeClock(1_800_000_000_000)
    memory = MemoryStore(max_bytes=1000, clock=clock)
    with mock.patch.object(statistics, "get_store", return_value=memory):
        yield memory, clock


def test_counts_that_could_not_be_sent_are_sent_later(store: Any) -> None:
    """In order, once; also when the answer to one was lost."""
    memory, _ = store
    counters = Counters()
    real, lost = memory.add_counters, []

    def lose_the_answer(*args: Any) -> None:
        real(*args)
        if len(lost) < 2:
            lost.append(1)
            raise StoreUnavailable("the answer was lost")

    with mock.patch.object(memory, "add_counters", lose_the_answer):
        for _ in range(4):
            counters.add("a.b", {"hits": 1})
            counters.send()
    assert counters.send()
    assert memory.read_counters(minutes=5) == {"a.b|hits": 4}


def test_a_long_outage_merges_batches_and_loses_nothing(store: Any) -> None:
    """Memory stays bounded."""
    memory, _ = store
    counters = Counters()
    with mock.patch.object(memory, "add_counters", side_effect=StoreUnavailable("away")):
        for _ in range(200):
            counters.add("a.b", {"hits": 1, "misses": 2})
            assert counters.send() is False
    assert len(counters._unsent) <= statistics.LONGEST_UNSENT
    assert counters.send()
    assert memory.read_counters(minutes=5) == {"a.b|hits": 200, "a.b|misses": 400}


def test_windows_forget_what_is_older(store: Any) -> None:
    """Minutes for the short windows, hours for the long ones."""
    memory, clock = store
    memory.add_counters("p", 1, {"a.b|hits": 1})
    clock.advance(7 * 60)
    memory.add_counters("p", 2, {"a.b|hits": 10})
    assert read_window("5m")["a.b"]["hits"] == 10
    assert read_window("1h")["a.b"]["hits"] == 11
    clock.advance(2 * 3600)
    assert "a.b" not in read_window("1h")
    assert read_window("6h")["a.b"]["hits"] == 11
    assert read_window("24h")["a.b"]["hits"] == 11
    clock.advance(3 * 24 * 3600)
    assert "a.b" not in read_window("24h")
    assert read_window("7d")["a.b"]["hits"] == 11


def test_a_forked_child_does_not_count_its_parents_reads() -> None:
    """What the parent counted is the parent's to send."""
    statistics.counters.add("a.b", {"hits": 5})
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, str(sum(statistics.counters._counts.values())).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 10) == b"0"
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    ("hits", "misses", "text"), [(0, 0, "0.0%"), (92, 8, "92.0%"), (1, 2, "33.3%"), (5, 0, "100.0%")]
)
def test_the_hit_rate(hits: int, misses: int, text: str) -> None:
    """One decimal, and no division by nothing."""
    assert hit_rate(hits, misses) == text


@pytest.mark.parametrize(("milliseconds", "bucket"), [(0, "1"), (1, "1"), (1.1, "2"), (480, "500"), (99_999, "inf")])
def test_load_times_fall_into_buckets(milliseconds: float, bucket: str) -> None:
    """A bucket holds what is at most its bound and above the one before."""
    assert load_time_counter(milliseconds) == f"load_ms_le_{bucket}"


def test_a_summary_has_every_counter() -> None:
    """Nothing is missing for a policy that nobody has read."""
    shown = summary({})
    assert shown["hits"] == shown["misses"] == 0
    assert shown["meanLoadMs"] is None
    assert summary({"loads": 2, "load_ms": 11})["meanLoadMs"] == 5.5
    assert summary({"hits": 3, "misses": 5, "collapsed": 4, "loads": 1})["callsSaved"] == 7
