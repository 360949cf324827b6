"""Who has a lock while Redis goes and comes: each step by itself, with stores that fail when told."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from cache_platform.lock_grips import HELD, LONGEST_IN_DATABASE
from cache_platform.lock_renewal import Renewals
from tests.unit.cache_platform.fickle_locks import Two, renew


@pytest.fixture
def two() -> Two:
    """Both well."""
    return Two()


def test_while_redis_is_well_the_database_is_not_asked(two: Two) -> None:
    """Neither to acquire, nor to renew, nor to let go."""
    two.database.gone = True
    grip = two.grip("a")
    assert grip.attempt(queue=True) == HELD
    assert grip.renew()
    assert (grip.backend, two.owners) == ("redis", ("a", ""))
    assert grip.release()
    assert two.owners == ("", "")


def test_without_redis_the_database_decides(two: Two) -> None:
    """And is renewed sooner, since Redis may be back."""
    two.redis.gone = True
    grip, other = two.grip("a"), two.grip("b")
    assert grip.attempt(queue=False) == HELD
    assert other.attempt(queue=False) != HELD
    renew(grip)
    assert (grip.backend, grip.interval) == ("postgresql", LONGEST_IN_DATABASE)
    assert grip.confirm()
    assert grip.release()
    assert two.owners == ("", "")


def test_a_lock_moves_to_the_database_when_redis_goes(two: Two) -> None:
    """At its next renewal, if nobody was faster."""
    grip, other = two.grip("a"), two.grip("b")
    grip.attempt(queue=False)
    two.redis.gone = True
    renew(grip)
    assert (grip.backend, grip.term.lost) == ("postgresql", False)
    assert other.attempt(queue=False) != HELD


def test_whoever_was_faster_has_it(two: Two) -> None:
    """The first one knows at its next renewal, and takes nothing from the other."""
    grip, other = two.grip("a"), two.grip("b")
    grip.attempt(queue=False)
    two.redis.gone = True
    assert other.attempt(queue=False) == HELD
    renew(grip)
    assert grip.term.lost
    assert not grip.release()
    assert two.database.owner == "b"
    renew(other)
    assert not other.term.lost
    assert two.losses == 1


def test_a_lock_moves_back_to_redis_past_those_who_wait(two: Two) -> None:
    """It is held in both until nobody can be without Redis any more."""
    grip, other = two.grip("a"), two.grip("b")
    two.redis.gone = True
    grip.attempt(queue=False)
    two.redis.gone, two.redis.in_doubt = False, True
    assert other.attempt(queue=True) != HELD
    renew(grip)
    assert (grip.backend, two.owners) == ("redis", ("a", "a"))
    two.redis.in_doubt = False
    renew(grip)
    assert two.owners == ("a", "")
    assert not grip.term.lost


def test_while_others_may_be_without_redis_both_have_to_agree(two: Two) -> None:
    """One that is in the database alone is respected; what Redis gave is given back."""
    two.redis.gone = True
    alone = two.grip("a")
    alone.attempt(queue=False)
    two.redis.gone, two.redis.in_doubt = False, True
    other = two.grip("b")
    assert other.attempt(queue=False) != HELD
    assert two.owners == ("", "a")
    alone.release()
    assert other.attempt(queue=False) == HELD
    assert two.owners == ("b", "b")
    renew(other)
    assert other.release()
    assert two.owners == ("", "")


def test_who_holds_redis_through_an_outage_asks_the_database_afterwards(two: Two) -> None:
    """Somebody may have taken it there meanwhile: one of them has lost it."""
    grip, other = two.grip("a"), two.grip("b")
    grip.attempt(queue=False)
    two.redis.gone = True
    other.attempt(queue=False)
    two.redis.gone, two.redis.in_doubt = False, True
    renew(grip)
    assert grip.term.lost
    grip.release()
    renew(other)
    assert not other.term.lost
    assert two.owners == ("b", "b")


def test_the_one_in_the_database_loses_to_one_who_got_it_in_redis(two: Two) -> None:
    """From a process that has not noticed the outage; known at the next renewal, which leaves the database, too."""
    two.redis.gone = True
    grip = two.grip("a")
    grip.attempt(queue=False)
    two.redis.gone = False
    other = two.grip("b")
    assert other.attempt(queue=False) == HELD
    Renewals()._renew(grip)
    assert grip.term.lost
    assert two.owners == ("b", "")


def test_without_both_it_is_held_until_its_timeout_and_not_confirmed(two: Two) -> None:
    """Nobody else can get it either."""
    grip = two.grip("a")
    grip.attempt(queue=False)
    two.redis.gone = two.database.gone = True
    renew(grip)
    assert not grip.term.lost
    assert not grip.confirm()
    assert not grip.release()


def test_an_answer_that_took_longer_than_the_timeout_is_not_used(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may have it already."""
    grip = two.grip("a", timeout=5)
    moments = iter([100.0, 105.0])
    monkeypatch.setattr(grip.term, "now", lambda: next(moments))
    assert grip.attempt(queue=False) != HELD
    assert two.owners == ("", "")


def test_nothing_is_taken_after_it_was_let_go(two: Two) -> None:
    """By a renewal that is under way in the database at that moment."""
    grip = two.grip("a")
    grip.attempt(queue=False)
    two.redis.gone = True
    assert not grip.renew()
    real = two.database.acquire

    def let_go_meanwhile(*args: Any, **kwargs: Any) -> int:
        two.database.acquire = real  # type: ignore[method-assign]
        grip.release()
        return real(*args, **kwargs)

    two.database.acquire = let_go_meanwhile  # type: ignore[method-assign]
    grip.renew_in_database()
    assert two.database.owner == ""


def test_one_asks_the_database_at_a_time(two: Two) -> None:
    """A second renewal does not wait for one that hangs."""
    grip = two.grip("a")
    two.redis.gone = True
    grip.attempt(queue=False)
    asked = []
    two.database.renew = lambda *args: asked.append(grip.renew_in_database()) or True  # type: ignore[method-assign, func-returns-value]
    renew(grip)
    assert len(asked) == 1


def test_a_database_that_hangs_keeps_no_other_lock_from_being_renewed(two: Two) -> None:
    """The thread that renews all does not wait for it."""
    hangs, goes_on, renewed = threading.Event(), threading.Event(), threading.Semaphore(0)
    well, renewals = Two(), Renewals()
    stuck, other = two.grip("a", timeout=3), well.grip("b", timeout=3)
    stuck.attempt(queue=False)
    other.attempt(queue=False)
    real = well.redis.renew

    def hang(*args: Any, **kwargs: Any) -> int:
        hangs.set()
        goes_on.wait(20)
        return 1

    def tell(*args: Any, **kwargs: Any) -> bool:
        renewed.release()
        return real(*args, **kwargs)

    two.redis.gone = True
    two.database.acquire = hang  # type: ignore[method-assign]
    well.redis.renew = tell  # type: ignore[method-assign]
    renewals.add(stuck)
    assert hangs.wait(20)
    renewals.add(other)
    try:
        assert all(renewed.acquire(timeout=20) for _ in range(2))
        assert not other.term.lost
    finally:
        goes_on.set()
        renewals.remove(stuck)
        renewals.remove(other)
