"""Looks at the outbox: one at a time, waited for, and what follows when one fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from cache_platform.exceptions import OutboxUnreadable, StoreUnavailable
from cache_platform.stores import trust
from cache_platform.stores.trust import Looks
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.waiting import wait_until


class Look:
    """A look; a test says what happens during it."""

    def __init__(self) -> None:
        self.count = 0
        self.during: Callable[[], object] = lambda: None

    def __call__(self) -> None:
        self.count += 1
        self.during()

    def fails(self, error: Exception) -> None:
        """Have all that follow raise `error`."""

        def fail() -> None:
            raise error

        self.during = fail


class NotedLock:
    """A lock that says how many came to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.came = 0

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.came += 1
        self._lock.release()


DATABASE: dict[str, Callable[[], object]] = {}


@pytest.fixture
def look() -> Look:
    """One look after the other."""
    return Look()


@pytest.fixture
def looks(look: Look) -> Looks:
    """A process's; the database answers it as `DATABASE` says."""
    DATABASE.clear()
    return Looks(look, ask=lambda: DATABASE.get("ask", int)())


def test_each_look_is_a_new_one(looks: Looks, look: Look) -> None:
    """What an earlier one saw is of no use."""
    for number in (1, 2, 3):
        looks.one()
        assert look.count == number


def test_one_looks_for_all_who_come_meanwhile(looks: Looks, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """They wait for its end; who comes after it looks again."""
    monkeypatch.setattr(trust, "PATIENCE", 20)
    begun, end, lock = threading.Event(), threading.Event(), NotedLock()
    looks._lock = lock  # type: ignore[assignment]
    look.during = lambda: (begun.set(), end.wait(20))
    waiting = [in_thread(looks.one)]
    assert begun.wait(20)
    waiting += [in_thread(looks.one) for _ in range(3)]
    wait_until(lambda: lock.came == 4, what="all of them have come", timeout=5)
    assert not any(each.done() for each in waiting)
    end.set()
    for each in waiting:
        result(each)
    assert look.count == 1
    looks.one()
    assert look.count == 2


@pytest.mark.parametrize("believed", [True, False])
def test_store_that_fails_during_a_look_is_not_believed(looks: Looks, look: Look, believed: bool) -> None:
    """Whatever it said before."""
    if believed:
        looks.believed()
    look.fails(StoreUnavailable("on purpose"))
    with pytest.raises(StoreUnavailable, match="on purpose"):
        looks.one()
    assert not looks.excused


def test_process_that_has_never_been_believed_is_not_excused(looks: Looks, look: Look) -> None:
    """It may have been started after a write that it knows nothing of."""
    look.fails(OutboxUnreadable("on purpose"))
    with pytest.raises(StoreUnavailable, match="not been looked at"):
        looks.one()
    assert not looks.excused


def test_process_goes_on_for_a_while_when_the_database_is_away(
    looks: Looks, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can write without it. When the while is over, it has to try again."""
    looks.believed()
    look.fails(OutboxUnreadable("on purpose"))
    looks.one()
    assert looks.excused
    monkeypatch.setattr(trust, "MARK_LASTS", 0.0)
    looks.one()
    assert not looks.excused
    assert look.count == 2


@pytest.mark.parametrize("believed", [True, False])
def test_look_that_hangs_is_waited_for_no_longer_than_a_reader_can(
    looks: Looks, look: Look, monkeypatch: pytest.MonkeyPatch, believed: bool
) -> None:
    """The database does not answer; no more than MOST_HUNG are begun in vain."""
    end, asked = threading.Event(), []
    DATABASE["ask"] = lambda: (asked.append(1), end.wait(20))
    monkeypatch.setattr(trust, "PATIENCE", 0.05)
    if believed:
        looks.believed()

    def one() -> None:
        if believed:
            looks.one()
        else:
            with pytest.raises(StoreUnavailable):
                looks.one()

    try:
        for _ in range(5):
            result(in_thread(one))
            assert looks.excused is believed
    finally:
        end.set()
    assert len(asked) == trust.MOST_HUNG


def test_long_drain_is_no_excuse(looks: Looks, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database answered: what is in the outbox is being drained, and may be of the entry that is read."""
    end = threading.Event()
    look.during = lambda: end.wait(20)
    monkeypatch.setattr(trust, "PATIENCE", 0.05)
    looks.believed()
    try:
        with pytest.raises(StoreUnavailable, match="not drained"):
            looks.one()
        assert not looks.excused
    finally:
        end.set()


def test_outage_ends_belief_and_excuse(looks: Looks, look: Look) -> None:
    """What was believed before the store was away says nothing afterwards."""
    looks.believed()
    look.fails(OutboxUnreadable("on purpose"))
    looks.one()
    looks.doubted()
    assert not looks.excused
    with pytest.raises(StoreUnavailable):
        looks.one()


def test_process_without_threads_does_not_believe_the_store(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot look."""

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    looks.believed()
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(StoreUnavailable, match="no more threads"):
        looks.one()


def test_forked_child_begins_anew(looks: Looks, look: Look) -> None:
    """What its parent found, and a look of its parent's that is under way, are not its own."""
    end = threading.Event()
    looks.believed()
    look.fails(OutboxUnreadable("on purpose"))
    looks.one()
    look.during = lambda: end.wait(20)
    parents: Any = in_thread(looks.one)
    wait_until(lambda: look.count == 2, what="the parent looks")
    looks.reset()
    assert not looks.excused
    look.fails(OutboxUnreadable("on purpose"))
    with pytest.raises(StoreUnavailable):
        looks.one()
    assert look.count == 3
    end.set()
    result(parents)
