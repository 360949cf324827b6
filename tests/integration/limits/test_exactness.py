"""Eight processes with wrong clocks at one limit: what the log itself says they were admitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from benchmarks.limits.driver import WRONG_CLOCKS, Askers, askers
from benchmarks.limits.findings import Findings
from benchmarks.limits.peers import OURS, Terms
from tests.services.redis import RedisUnderTest

LIMIT, WINDOW = 20, 2
MARGIN = 150


@pytest.fixture(scope="module")
def asking(shared_redis: RedisUnderTest) -> Iterator[Askers]:
    """The processes."""
    shared_redis.flush()
    with askers(Terms(url=shared_redis.url, limit=LIMIT, window=WINDOW), WRONG_CLOCKS) as started:
        yield started


def test_no_window_holds_more_and_nobody_is_refused_in_vain(asking: Askers) -> None:
    """As fast as they can: in every half-open window at most the limit, for each refusal that many in its window."""
    found = asking.hammer(OURS)
    assert (found.most, found.in_vain) == (LIMIT, 0)
    assert found.admitted >= 2 * LIMIT
    assert found.refused > found.admitted, "they were no load on the limit"


@pytest.mark.parametrize("scene", [Askers.across_seconds, Askers.across_first_window, Askers.again_after_window])
def test_bursts_across_edges_buy_nothing(asking: Askers, scene: Callable[..., Findings]) -> None:
    """Neither at whole seconds nor where the first request's window ends; and all is forgotten after a window."""
    found = scene(asking, OURS, margin=MARGIN)
    assert (found.most, found.in_vain) == (LIMIT, 0)


def test_a_clock_of_ones_own_buys_nothing(asking: Askers) -> None:
    """One process after the other, each with a later clock."""
    found = asking.in_turn(OURS)
    assert (found.most, found.in_vain) == (LIMIT, 0)
