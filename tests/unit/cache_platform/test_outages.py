"""Outages: after a run of failures a source is asked by one probe at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from cache_platform.exceptions import (
    SourceBackoff,
    SourceError,
    SourceMalformed,
    SourceRateLimited,
    SourceRefused,
    SourceTimeout,
)
from cache_platform.outages import FAILURES, LONGEST_PAUSE, Outage


class Source:
    """A source with a clock; `ask` calls it as a client would."""

    def __init__(self, *, longest_asked: float = math.inf) -> None:
        self.now = 0.0
        self.outage = Outage("test", longest_asked=longest_asked, clock=lambda: self.now)
        self.calls = 0

    def ask(self, error: Exception | None = None, *, meanwhile: Callable[[], object] = int) -> None:
        with self.outage.watched():
            self.calls += 1
            meanwhile()
            if error is not None:
                raise error

    def fail_together(self, number: int, error: SourceError) -> None:
        """All begin before the first one fails."""
        if number:
            with pytest.raises(SourceError):
                self.ask(error, meanwhile=lambda: self.fail_together(number - 1, error))

    def fail(self, times: int, error: SourceError | None = None) -> None:
        for _ in range(times):
            with pytest.raises(SourceError):
                self.ask(error or SourceTimeout("test", "no answer"))


def test_a_few_failures_change_nothing() -> None:
    """A success in between starts the count anew."""
    source = Source()
    for _ in range(5):
        source.fail(FAILURES - 1)
        source.ask()
    assert source.calls == 5 * FAILURES


def test_after_a_run_of_failures_it_is_left_alone() -> None:
    """Whatever is wanted of it, nobody waits for its timeout; they are told when to come again."""
    source = Source()
    source.fail(FAILURES)
    with pytest.raises(SourceBackoff) as caught:
        source.ask()
    assert caught.value.retry_after == 1
    assert source.calls == FAILURES


def test_one_probe_at_a_time_finds_out_whether_it_is_back() -> None:
    """Others are refused while the probe is under way."""
    source = Source()
    source.fail(FAILURES)
    source.now = 1.0
    with source.outage.watched(), pytest.raises(SourceBackoff):
        source.ask()
    source.ask()
    assert source.calls == FAILURES + 1


def test_a_failed_probe_doubles_the_pause_up_to_a_bound() -> None:
    """And the next probe may come after it."""
    source = Source()
    source.fail(FAILURES)
    waits = []
    for _ in range(8):
        with pytest.raises(SourceBackoff) as caught:
            source.ask()
        waits.append(caught.value.retry_after)
        source.now += caught.value.retry_after or 0
        source.fail(1)
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == LONGEST_PAUSE


def test_a_rate_limit_counts_at_once_and_for_as_long_as_it_says() -> None:
    """The quota is the same for everything that is asked."""
    source = Source()
    source.fail(1, SourceRateLimited("test", "429", retry_after=120))
    source.now = 119
    with pytest.raises(SourceBackoff):
        source.ask()
    source.now = 120
    with source.outage.watched():
        source.ask()  # it was never away: nobody has to find out for the others


def test_a_refused_request_is_an_answer() -> None:
    """A wrong place does not take all other places away."""
    source = Source()
    source.fail(10, SourceRefused("test", "400"))
    source.ask()


def test_malformed_answers_count() -> None:
    """A source that answers nonsense is away as well."""
    source = Source()
    source.fail(FAILURES, SourceMalformed("test", "html"))
    with pytest.raises(SourceBackoff):
        source.ask()


def test_a_probe_that_is_interrupted_lets_the_next_one_through() -> None:
    """A thread that is stopped in its probe does not lock the source out for good."""
    source = Source()
    source.fail(FAILURES)
    source.now = 1.0
    with pytest.raises(KeyboardInterrupt):
        source.ask(KeyboardInterrupt())  # type: ignore[arg-type]
    source.ask()


def test_calls_that_fail_together_count_once() -> None:
    """One short disturbance does not take a source away, however many it hits; three do."""
    source = Source()
    for _ in range(FAILURES):
        source.ask()
        source.fail_together(20, SourceTimeout("test", "no answer"))
    source.ask()
    for _ in range(FAILURES):
        source.fail_together(20, SourceTimeout("test", "no answer"))
    with pytest.raises(SourceBackoff):
        source.ask()


def test_a_late_failure_does_not_keep_it_away_for_longer() -> None:
    """It began before the source was left alone, and says nothing of now."""
    source = Source()

    def meanwhile() -> None:
        source.fail(FAILURES)
        source.now = 0.9

    with pytest.raises(SourceTimeout):
        source.ask(SourceTimeout("test", "no answer"), meanwhile=meanwhile)
    source.now = 1.0
    source.ask()


def test_one_of_many_rate_limits_is_enough() -> None:
    """Also when another call of the same moment failed before it in another way."""
    source = Source()
    with pytest.raises(SourceRateLimited):
        source.ask(SourceRateLimited("test", "429", retry_after=60), meanwhile=lambda: source.fail(1))
    source.now = 59
    with pytest.raises(SourceBackoff):
        source.ask()


def test_what_a_source_asks_for_is_respected_within_bounds() -> None:
    """One answer cannot take it away from everybody for longer."""
    source = Source(longest_asked=30)
    source.fail(1, SourceRateLimited("test", "429", retry_after=3600))
    with pytest.raises(SourceBackoff) as caught:
        source.ask()
    assert caught.value.retry_after == 30
    source.now = 30
    source.ask()
