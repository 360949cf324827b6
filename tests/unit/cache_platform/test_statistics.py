"""Statistics: counted once, sent once, summed up honestly."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

import pytest

from cache_platform import statistics
from cache_platform.commands import words
from cache_platform.exceptions import StoreUnavailable
from cache_platform.load_times import BOUNDS, SHOWN_BOUNDS, load_time_counter, load_times, percentile
from cache_platform.loading import count_load, timed
from cache_platform.pages import wording
from cache_platform.statistics import WINDOWS, Counters, hit_rate, read_totals, read_window, summary
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
    assert len(memory.read_buckets(**WINDOWS["6h"])) == 73
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
    ("hits", "misses", "text"),
    [(0, 0, "0.0%"), (92, 8, "92.0%"), (1, 2, "33.3%"), (5, 0, "100.0%"), (9999, 1, "99.9%")],
)
def test_the_hit_rate(hits: int, misses: int, text: str) -> None:
    """One decimal, no division by nothing, and only the whole is 100; on the pages and in commands too."""
    assert hit_rate(hits, misses) == text
    if hits:
        assert wording.percent(hits / (hits + misses)).replace(f"{wording.NBSP}%", "%") == text
        assert words.share(hits, hits + misses) == text.replace("%", " %")


@pytest.mark.parametrize(("milliseconds", "bucket"), [(0, "1"), (1, "1"), (1.1, "2"), (480, "500"), (99_999, "inf")])
def test_load_times_fall_into_buckets(milliseconds: float, bucket: str) -> None:
    """A bucket holds what is at most its bound and above the one before."""
    assert load_time_counter(milliseconds) == f"load_ms_le_{bucket}"


def test_a_load_faster_than_a_millisecond_has_a_time(declare: Any) -> None:
    """Loads from a database are; rounded to milliseconds, a thousand of them would have taken none."""
    with mock.patch("cache_platform.loading.time", mock.Mock(monotonic=mock.Mock(side_effect=[1.0, 1.0004]))):
        value, milliseconds = timed(lambda: 5)
    assert (value, round(milliseconds, 3)) == (5, 0.4)
    count_load(declare(name="test.thing"), milliseconds)
    assert statistics.counters._counts["test.thing|load_us"] == 400


def test_a_summary_has_every_counter() -> None:
    """Nothing is missing for a policy that nobody has read."""
    shown = summary({})
    assert shown["hits"] == shown["misses"] == 0
    assert shown["meanLoadMs"] is None
    assert summary({"loads": 2, "load_us": 11_000})["meanLoadMs"] == 5.5
    assert summary({"loads": 4, "load_us": 1_000})["meanLoadMs"] == 0.2
    assert (shown["meanBytes"], summary({"stored": 3, "bytes_stored": 1000})["meanBytes"]) == (None, 333)


def test_a_summary_tells_the_calls_of_the_source_and_those_saved() -> None:
    """Failed loads were calls too, and those ahead of a reader; more calls than reads reduce nothing, and nothing is
    divided by nothing."""
    shown = summary({"hits": 4, "misses": 2, "collapsed": 1, "loads": 1, "load_errors": 2})
    assert (shown["providerCalls"], shown["callsSaved"], shown["apiCallReduction"]) == (3, 3, "50.0%")
    none = summary({"hits": 1, "loads": 3})
    assert (none["callsSaved"], none["apiCallReduction"]) == (0, "0.0%")
    assert summary({})["apiCallReduction"] == "0.0%"


def test_a_summary_has_the_percentiles_of_load_times() -> None:
    """Milliseconds; None where nothing was loaded."""
    shown = summary({"load_ms_le_100": 90, "load_ms_le_500": 10})
    assert (shown["p50LoadMs"], shown["p95LoadMs"], shown["p99LoadMs"]) == (88.9, 450.0, 490.0)
    assert [summary({})[f"p{percent}LoadMs"] for percent in (50, 95, 99)] == [None] * 3


@pytest.mark.parametrize(
    ("times", "percent", "milliseconds"),
    [
        ({"1": 4}, 50, 0.5),
        ({"100": 10}, 50, 87.5),
        ({"100": 10}, 100, 100.0),
        ({"50": 1, "500": 1}, 50, 50.0),
        ({"50": 1, "500": 1}, 51, 402.0),
        ({"inf": 3}, 50, 60_000.0),
        ({"20000": 2, "30000": 2}, 75, 25_000.0),
        ({"10": 1, "inf": 99}, 1, 10.0),
    ],
)
def test_percentiles_are_linear_inside_a_bucket(times: Any, percent: float, milliseconds: float) -> None:
    """From the bound below to its own; above the last bound nothing more is known."""
    assert percentile({f"load_ms_le_{bound}": count for bound, count in times.items()}, percent) == milliseconds


@pytest.mark.parametrize("milliseconds", [1.5, 8, 42, 96, 170, 320, 510, 553, 900, 1100, 2200, 4800, 9000])
@pytest.mark.parametrize("percent", [50, 95, 99])
def test_percentiles_are_near_what_was_measured(milliseconds: float, percent: int) -> None:
    """Where all loads take as long, it is off by a half at the most, and by a third from 5 ms on."""
    found = percentile({load_time_counter(milliseconds): 1000}, percent)
    assert found is not None
    assert abs(found / milliseconds - 1) < (0.34 if milliseconds >= 5 else 0.5)


def test_a_histogram_for_people_has_each_load_once() -> None:
    """In the bucket of the next bound that is shown; all shown ones are counted."""
    assert set(SHOWN_BOUNDS) <= set(BOUNDS)
    counts = {load_time_counter(bound): 1 for bound in (*BOUNDS, 99_999)}
    assert sum(load_times(counts).values()) == sum(load_times(counts, BOUNDS).values()) == len(BOUNDS) + 1
    shown = load_times({load_time_counter(510): 2, load_time_counter(990): 3, load_time_counter(1001): 1})
    assert {bound: count for bound, count in shown.items() if count} == {"1000": 5, "2500": 1}


def test_a_percentile_above_the_last_bound_is_over_it() -> None:
    """Nobody knows by how much: on pages and in commands it is no number."""
    assert [wording.load_time(each) for each in (60_000.0, 59_000.0, None)] == ["over 60 s", "59 s", wording.DASH]
    assert [words.load_time(each) for each in (60_000.0, 59_000.0, None)] == ["over 60 s", "59.0 s", words.UNKNOWN]


def test_totals_never_expire(store: Any) -> None:
    """What no window shows any more is in them, and what this process counted a moment ago."""
    memory, clock = store
    memory.add_counters("p", 1, {"a.b|hits": 1})
    clock.advance(30 * 24 * 3600)
    memory.lookup([])  # cleans up
    statistics.counters.add("a.b", {"hits": 2})
    assert read_totals() == {"a.b": {"hits": 3}}
