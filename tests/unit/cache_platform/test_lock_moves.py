"""What is still certain of a lock after an outage: each step by itself, with stores that fail when told."""

from __future__ import annotations

from typing import Any

import pytest

from cache_platform.exceptions import StoreNotAsked, StoreUnavailable
from cache_platform.lock_grips import HELD
from tests.unit.cache_platform.fickle_locks import Two, renew


@pytest.fixture
def two() -> Two:
    """Both well."""
    return Two()


def test_a_database_that_cannot_say_gives_it_to_nobody(two: Two) -> None:
    """It may be full, or hang, with somebody's lock in it; after the doubt Redis alone is enough."""
    two.redis.in_doubt = two.database.gone = True
    grip = two.grip("a")
    assert grip.attempt(queue=False) != HELD
    assert two.redis.owner == ""
    two.redis.in_doubt = False
    assert grip.attempt(queue=False) == HELD


def test_whoever_has_it_in_redis_keeps_it_when_the_database_cannot_say(two: Two) -> None:
    """One who has it there loses it at its own next renewal."""
    grip = two.grip("a")
    grip.attempt(queue=False)
    two.redis.in_doubt = two.database.gone = True
    renew(grip)
    assert not grip.term.lost
    assert grip.confirm()
    assert grip.release()


def test_where_the_database_has_no_locks_redis_decides(two: Two) -> None:
    """At once; nobody can have one elsewhere."""
    two.redis.in_doubt, two.database = True, None  # type: ignore[assignment]
    assert two.grip("a").attempt(queue=False) == HELD


def test_who_moved_may_have_been_overtaken(two: Two) -> None:
    """Somebody had it in the database and let it go before the renewal: nobody can tell, so nothing is certain."""
    grip, other = two.grip("a"), two.grip("b")
    grip.attempt(queue=False)
    assert not grip.moved
    two.redis.gone = True
    assert other.attempt(queue=False) == HELD
    assert other.release()
    renew(grip)
    assert (grip.term.lost, grip.moved) == (False, True)
    assert not grip.release()
    assert two.losses == 0


def test_who_was_in_the_database_may_have_been_overtaken_in_redis(two: Two) -> None:
    """By a process that had not noticed the outage."""
    two.redis.gone = True
    grip, other = two.grip("a"), two.grip("b")
    grip.attempt(queue=False)
    two.redis.come_back()
    two.redis.in_doubt = False
    assert other.attempt(queue=False) == HELD
    assert other.release()
    renew(grip)
    assert (grip.backend, grip.term.lost, grip.moved) == ("redis", False, True)


def test_who_slept_through_an_outage_may_have_been_overtaken(two: Two) -> None:
    """Redis has kept its lock, and others had it in the database meanwhile."""
    grip, other, later = two.grip("a"), two.grip("b"), two.grip("c")
    grip.attempt(queue=False)
    two.redis.gone = True
    assert other.attempt(queue=False) == HELD
    assert other.release()
    two.redis.come_back()
    assert grip.confirm()
    assert grip.moved
    grip.release()
    assert later.attempt(queue=False) == HELD
    assert not later.moved


def test_what_redis_lost_is_not_taken_back(two: Two) -> None:
    """A flush while it is in both: somebody else may have had it."""
    two.redis.in_doubt = True
    grip = two.grip("a")
    grip.attempt(queue=False)
    assert two.owners == ("a", "a")
    two.redis._locks.clear()
    renew(grip)
    assert grip.term.lost


def test_what_could_not_be_let_go_is_let_go_later(two: Two) -> None:
    """Also where nobody knows whether it was taken."""
    grip, unknown = two.grip("a"), two.grip("b")
    grip.attempt(queue=False)
    two.redis.gone = True
    assert not grip.release()
    assert unknown.attempt(queue=False) == HELD
    assert unknown.release()
    assert two.redis.left == ["a", "b"]


def test_what_redis_was_never_asked_for_is_not_let_go_there(two: Two) -> None:
    """A long outage would fill the list."""

    def refuse(*_: Any, **__: Any) -> int:
        raise StoreNotAsked("breaker open")

    two.redis.acquire = two.redis.renew = refuse  # type: ignore[method-assign, assignment]
    two.redis.gone = True
    grip = two.grip("a")
    assert grip.attempt(queue=True) == HELD
    renew(grip)
    assert grip.release()
    assert two.redis.left == []


def test_a_loss_that_the_release_finds_is_counted(two: Two) -> None:
    """Of what was emptied since the last renewal; once, and not where nobody can say."""
    grip = two.grip("a")
    grip.attempt(queue=False)
    two.redis._locks.clear()
    assert not grip.release()
    assert not grip.release()
    refused = two.grip("b")
    two.redis.gone = two.database.gone = True
    with pytest.raises(StoreUnavailable):
        refused.attempt(queue=True)
    two.database.gone = False
    assert not refused.release()
    assert two.losses == 1
