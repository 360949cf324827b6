"""What the staff's pages say and draw, without a store."""

from __future__ import annotations

import threading
from typing import Any
from unittest.mock import patch

import pytest

from cache_platform import entry_counts
from cache_platform.entry_counts import EntryCounter
from cache_platform.exceptions import StoreUnavailable
from cache_platform.load_times import load_time_counter
from cache_platform.pages import buckets, wording
from cache_platform.pages.charts import chart_of, histogram
from cache_platform.pages.overview import rate_words
from cache_platform.pages.shapes import HEIGHT, WIDTH, round_above, sparkline, stacked_bars, steps


def test_words_for_numbers() -> None:
    """Exact where it is a count, short where it is a measure, a dash where nothing is known."""
    assert [wording.number(each) for each in (0, 1234567, None)] == ["0", "1,234,567", wording.DASH]
    assert [wording.percent(each) for each in (0.9, 0, None)] == [
        "90.0\N{NO-BREAK SPACE}%",
        "0.0\N{NO-BREAK SPACE}%",
        wording.DASH,
    ]
    durations = {0: "0 s", 0.5: "0.5 s", 1: "1 s", 59.6: "1 min", 600: "10 min", 5400: "1 h 30 min", 90061: "1 d 1 h"}
    assert {each: wording.duration(each) for each in durations} == durations
    assert wording.duration(3601) == "1 h", "what is not of the next unit is left out"
    times = {0: "0 ms", 0.44: "0.4 ms", 9.96: "10 ms", 999.4: "999 ms", 999.6: "1 s", 1250: "1.25 s", 61_000: "61 s"}
    assert {each: wording.milliseconds(each) for each in times} == times
    sizes = {0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 * 2**40: "5.0 TiB", 300 * 2**20: "300 MiB"}
    assert {each: wording.size(each) for each in sizes} == sizes
    assert [wording.dollars(each) for each in (0, 1_250_000, 4_200)] == [wording.DASH, "$1.25", "$0.0042"]
    assert [wording.ago(0.4), wording.ago(12.7)] == ["just now", "12 s ago"]
    assert [wording.many(1, "entry", "entries"), wording.many(2, "read")] == ["1 entry", "2 reads"]


def test_drawings_stay_within_their_frame() -> None:
    """Whatever the numbers; nothing is drawn of nothing."""
    assert sparkline([]) is None
    assert sparkline([0, 0]) is None
    spark = sparkline([0, 5, 10**9])
    assert spark is not None
    assert spark.line.split()[0] == "0.0,23.0"
    assert spark.line.split()[-1] == "96.0,2.0"
    assert sparkline([3]) is not None
    bars, top = stacked_bars([(("hit", 7), ("miss", 4)), (("hit", 0), ("miss", 0))])
    assert top == 20
    assert [bar.kind for bar in bars] == ["hit", "miss"]
    assert all(float(bar.y) >= 0 and float(bar.y) + float(bar.height) <= HEIGHT + 0.01 for bar in bars)
    assert all(float(bar.x) + float(bar.width) <= WIDTH for bar in bars)
    assert stacked_bars([]) == ([], 1)
    assert [round_above(each) for each in (0, 1, 3, 11, 50, 51)] == [1, 1, 5, 20, 50, 100]


def test_a_chart_and_its_table_have_the_same_numbers() -> None:
    """Bucket by bucket, the newest first in the table."""
    slow = {"loads": 2, load_time_counter(3.0): 2}
    chart = chart_of([0, 60], [{"hits": 3, "misses": 1}, {"misses": 2, "load_errors": 1, **slow}], 60)
    assert chart.data["rate"] == [0.75, 0.0]
    assert chart.data["errors"] == [0, 1]
    assert chart.data["p95"][0] is None
    assert [row.start for row in chart.rows] == [60, 0]
    assert chart.rows[1].cells[:6] == ["4", "3", "1", f"75.0{wording.NBSP}%", "0", "0"]
    assert chart.rows[0].cells[-1] == wording.milliseconds(chart.data["p99"][1])
    assert chart_of([], [], 0).empty


def test_the_drawing_has_the_hit_rate() -> None:
    """As steps over the bars, 1 at the top; one alone is seen, and where nothing was read there is none."""
    assert steps([]) == ""
    assert steps([None, None]) == ""
    assert steps([None, 0.5, 1.0, None, 0.0]) == "M144.00 80.00H288.00V0.00H432.00M576.00 160.00H720.00"
    assert chart_of([0, 60], [{}, {"hits": 1, "misses": 1}], 60).line == steps([None, 0.5])


def test_what_is_still_being_filled_is_drawn_as_such() -> None:
    """Else it looks like a fall; and a rate that is not whole does not look so."""
    chart = chart_of([0, 60], [{"hits": 9_999_999, "misses": 1}, {"hits": 2, "misses": 1}], 60)
    assert [bar.kind for bar in chart.bars] == ["hit", "miss", "hit cp-filling", "miss cp-filling"]
    assert chart.data["rate"] == [0.999, 0.6667]
    assert chart.rows[-1].cells[3] == f"99.9{wording.NBSP}%"


def test_the_histogram_begins_and_ends_with_loads() -> None:
    """With the empty spans between them."""
    spans = histogram({load_time_counter(3): 4, load_time_counter(40): 1, load_time_counter(10**6): 1})
    assert [(span.label, span.amount) for span in spans[:3]] == [("to 5.0 ms", 4), ("to 10 ms", 0), ("to 25 ms", 0)]
    assert (spans[0].length, spans[-1].label, spans[-1].share) == ("100.0", "over 60 s", f"16.7{wording.NBSP}%")
    assert histogram({}) == []


@pytest.mark.parametrize("milliseconds", [0.5, 600, 10**6])
def test_a_bar_alone_has_neighbours(milliseconds: float) -> None:
    """Else it could be anything; it is in their midst, but for the shortest and the longest times."""
    spans = histogram({load_time_counter(milliseconds): 3})
    assert len(spans) == 9
    assert [span.length for span in spans if span.amount] == ["100.0"]
    at = next(i for i, span in enumerate(spans) if span.amount)
    assert at == {0.5: 0, 600: 4, 10**6: 8}[milliseconds]


@pytest.mark.parametrize(
    ("amount", "seconds", "words"),
    [
        (0, 3600, "0 a second"),
        (4_444_444, 3600, "1,235 a second"),
        (4500, 3600, "1.2 a second"),
        (1800, 3600, "30 a minute"),
        (1, 3630, "0.99 an hour"),
        (1, 310, "0.19 a minute"),
        (9, 604_800, "1.3 a day"),
        (1, 604_800, "0.14 a day"),
        (3, 1, "3 a second"),
    ],
)
def test_a_rate_is_told_in_a_time_in_which_it_is_something(amount: int, seconds: int, words: str) -> None:
    """A thousandth of a read in a second is nothing that anybody can picture; what a day will bring is not known after
    an hour."""
    assert rate_words(amount, seconds) == words


class Minutes:
    """A store whose minutes have been counted in; `asked` is how many of them each read wanted."""

    def __init__(self) -> None:
        self.now = 1_000_000 * 60 + 30
        self.counts: dict[int, dict[str, int]] = {}
        self.asked: list[int] = []

    def read_buckets(self, *, minutes: int) -> list[tuple[int, dict[str, int]]]:
        self.asked.append(minutes)
        last = self.now // 60
        return [(each * 60, dict(self.counts.get(each, {}))) for each in range(last - minutes, last + 1)]

    def count(self, amount: int) -> None:
        self.counts[self.now // 60] = {"a.b|hits": amount}


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> Minutes:
    """A store of minutes, whose clock is this machine's."""
    store = Minutes()
    monkeypatch.setattr(buckets, "_known", {})
    monkeypatch.setattr(buckets, "get_store", lambda: store)
    monkeypatch.setattr(buckets.statistics.counters, "send", lambda: True)
    monkeypatch.setattr(buckets.time, "time", lambda: store.now)
    return store


def hits(window: str, *, anew: bool) -> int:
    """All of a window."""
    return sum(counts.get("a.b", {}).get("hits", 0) for _, counts in buckets.read_buckets(window, anew=anew))


def test_a_page_that_asks_again_reads_what_is_new_only(minutes: Minutes) -> None:
    """The minute that was being filled, and those since; nothing of the window is lost or twice in it."""
    minutes.count(1)
    assert hits("1h", anew=False) == 1
    minutes.count(5)
    assert hits("1h", anew=False) == 5
    for amount in (10, 20):
        minutes.now += 60
        minutes.count(amount)
    assert hits("1h", anew=False) == 35
    starts = [start for start, _ in buckets.read_buckets("1h", anew=False)]
    assert starts == list(range(starts[0], starts[0] + 61 * 60, 60))
    assert minutes.asked == [60, 1, 3, 1]
    assert hits("1h", anew=True) == 35
    assert minutes.asked[-1] == 60


def test_a_page_that_asks_after_a_long_time_reads_all(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a gap, where a server's clock jumped, and after a minute in any case: it may have lost them."""
    hits("5m", anew=False)
    minutes.now += 3600
    hits("5m", anew=False)
    minutes.now -= 7200
    hits("5m", anew=False)
    assert minutes.asked == [5, 5, 5]
    minutes.count(3)
    minutes.counts.clear()
    monkeypatch.setattr(buckets, "GOOD_FOR", 0.0)
    assert hits("5m", anew=False) == 0
    assert minutes.asked == [5, 5, 5, 5]


def test_what_is_too_old_to_be_used_is_not_kept(minutes: Minutes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six hours of many policies are some megabytes."""
    hits("5m", anew=False)
    monkeypatch.setattr(buckets, "GOOD_FOR", 0.0)
    hits("1h", anew=False)
    assert set(buckets._known) == {"1h"}


def count_by(counts: Any) -> Any:
    """Have entries be counted so."""
    return patch.object(entry_counts, "count_entries", side_effect=counts)


def test_a_count_is_kept_while_it_is_good_and_made_anew_after_a_flush() -> None:
    """For five seconds at least."""
    counter = EntryCounter()
    with count_by([{"a": 1}, {"a": 2}]) as counted:
        assert [found.entries for _ in range(3) if (found := counter.latest())] == [{"a": 1}] * 3
        counter.expire()
        assert (found := counter.latest()) is not None
        assert found.entries == {"a": 2}
        assert found.age >= 0
    assert counted.call_count == 2


def test_a_count_that_fails_is_no_count_and_does_not_end_counting() -> None:
    """Neither the store's failure nor a fault of ours."""
    counter = EntryCounter()
    with count_by([StoreUnavailable("away"), ZeroDivisionError(), {"a": 3}]):
        assert counter.latest() is None
        counter.expire()
        assert counter.latest() is None
        counter.expire()
        assert (found := counter.latest()) is not None
        assert found.entries == {"a": 3}


def test_without_a_thread_there_is_no_count() -> None:
    """The next page tries again."""
    counter = EntryCounter()
    with patch.object(threading.Thread, "start", side_effect=RuntimeError("can't start new thread")):
        assert counter.latest() is None
    with count_by([{"a": 1}]):
        assert counter.latest() is not None
