"""The same processes and bursts find what other limiters admit beyond their limit, and nothing of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from benchmarks.limits.driver import WRONG_CLOCKS, Askers, askers
from benchmarks.limits.findings import Asked, Findings, findings
from benchmarks.limits.peers import DJANGO_RATELIMIT, DRF, LIMITERS, MOVING_WINDOW, OURS, SLIDING_COUNTER, Terms
from benchmarks.limits.table import COLUMNS
from config.environment import BASE_DIR
from tests.services.redis import RedisUnderTest

LIMIT, WINDOW = 20, 2
MARGIN = 400
ATTEMPTS = 5
"""How often bursts are tried again that a busy machine has made late."""


@pytest.fixture(scope="module")
def asking(shared_redis: RedisUnderTest) -> Iterator[Askers]:
    """The processes, with wrong clocks."""
    shared_redis.flush()
    with askers(Terms(url=shared_redis.url, limit=LIMIT, window=WINDOW), WRONG_CLOCKS) as started:
        yield started


def exceeding(scene: Callable[[], Findings]) -> Findings:
    """What the scene found, played until more were admitted than the limit."""
    for _ in range(ATTEMPTS):
        found = scene()
        if found.most > LIMIT:
            return found
    raise AssertionError(f"no excess in {ATTEMPTS} attempts; the last one: {found}")


def test_drf_admits_all_who_read_before_anybody_writes(asking: Askers) -> None:
    """Forty requests, eight at a time: its history is read, and written later."""
    assert asking.in_step(DRF, each=5).most == 2 * LIMIT


@pytest.mark.parametrize("limiter", [DRF, DJANGO_RATELIMIT, MOVING_WINDOW])
def test_a_later_clock_buys_another_allowance(asking: Askers, limiter: str) -> None:
    """One process after the other, where each goes by its own clock."""
    assert exceeding(lambda: asking.in_turn(limiter)).most >= 2 * LIMIT


def test_the_sliding_counter_takes_its_estimate_for_a_count(asking: Askers) -> None:
    """A burst at the end of a window and one at the end of the next are less than a window apart."""
    assert exceeding(lambda: asking.across_first_window(SLIDING_COUNTER, margin=MARGIN)).most > LIMIT


def test_ours_admits_the_limit_in_all_of_that(asking: Askers) -> None:
    """The very same scenes."""
    scenes = [
        asking.in_step(OURS),
        asking.in_turn(OURS),
        asking.across_first_window(OURS, margin=MARGIN),
        asking.across_seconds(OURS, margin=MARGIN),
    ]
    assert [(found.most, found.in_vain) for found in scenes] == [(LIMIT, 0)] * len(scenes)


def asked(*spans: tuple[int, int, bool]) -> list[Asked]:
    """Requests."""
    return [Asked(*span) for span in spans]


def test_an_excess_is_found_only_where_it_is_certain() -> None:
    """Both ends of a span have to be in a window that is as long as the limit's, its end not included."""
    first = (1000, 1010, True)
    assert findings(asked(first, (1005, 1999, True)), limit=1, window_ms=1000).most == 2
    assert findings(asked(first, (1005, 2000, True)), limit=1, window_ms=1000).most == 1
    assert findings(asked(first, (1005, 1999, False)), limit=1, window_ms=1000).most == 1


@pytest.mark.parametrize(
    ("refused", "in_vain"),
    [((1000, 1001), 0), ((999, 1000), 0), ((998, 999), 1), ((2009, 2009), 0), ((2010, 2011), 1)],
)
def test_a_refusal_is_in_vain_only_where_that_is_certain(refused: tuple[int, int], in_vain: int) -> None:
    """An admission counts as long as it may have been in the window."""
    found = findings(asked((1000, 1010, True), (*refused, False)), limit=1, window_ms=1000)
    assert (found.refused, found.in_vain) == (1, in_vain)


def test_the_guide_shows_the_table() -> None:
    """All limiters and all columns."""
    guide = (BASE_DIR / "docs/guides/rate-limits.md").read_text(encoding="utf-8")
    assert f"| {' | '.join(COLUMNS)} |" in guide
    rows = re.findall(r"^\| (.*?) \|", guide.partition(" | ".join(COLUMNS))[2], re.MULTILINE)
    assert [row for row in rows if row != "---"] == list(LIMITERS)
    assert "python -m benchmarks.limits" in guide
