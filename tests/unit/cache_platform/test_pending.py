"""Bumps that this process still has to make: none is lost, and nobody reads before they are made."""

from __future__ import annotations

import threading

import pytest

from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores.pending import PendingBumps
from tests.integration.cache_platform.threads import in_thread, result


@pytest.fixture
def pending() -> PendingBumps:
    """Two tags."""
    made = PendingBumps()
    made.add(["b", "a"])
    return made


def test_they_are_made_once(pending: PendingBumps) -> None:
    """All in one call, each tag once, however often it was added."""
    bumped: list[list[str]] = []
    pending.add(["a"])
    pending.drain(bumped.append)
    assert bumped == [["a", "b"]]
    assert not pending
    pending.drain(bumped.append)
    assert len(bumped) == 1


def test_those_that_fail_are_kept(pending: PendingBumps) -> None:
    """For the next attempt."""

    def fail(_names: list[str]) -> None:
        raise StoreUnavailable("on purpose")

    with pytest.raises(StoreUnavailable):
        pending.drain(fail)
    bumped: list[list[str]] = []
    pending.drain(bumped.append)
    assert bumped == [["a", "b"]]


def test_tag_that_is_added_during_its_bump_is_bumped_again(pending: PendingBumps) -> None:
    """The bump may have come before the write."""
    pending.drain(lambda _names: pending.add(["a", "c"]))
    bumped: list[list[str]] = []
    pending.drain(bumped.append)
    assert bumped == [["a", "c"]]


def test_who_comes_during_a_drain_waits_for_its_end(pending: PendingBumps) -> None:
    """The old generations may not be read meanwhile."""
    begun, end = threading.Event(), threading.Event()

    def bump(_names: list[str]) -> None:
        begun.set()
        assert end.wait(20)

    first = in_thread(lambda: pending.drain(bump))
    assert begun.wait(20)
    assert pending  # so that a lookup does not go past it
    second = in_thread(lambda: pending.drain(lambda names: pytest.fail(f"bumped twice: {names}")))
    assert pending._draining.locked()
    assert not second.done()
    end.set()
    result(first)
    result(second)
    assert not pending
