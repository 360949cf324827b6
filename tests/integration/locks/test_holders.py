"""Holders that are stopped, killed and forked; what they write afterwards, and who has the lock then."""

from __future__ import annotations

import pytest

from tests.integration.locks.actors import ActorFactory
from tests.integration.locks.conftest import Ask
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

both = pytest.mark.parametrize(
    "database", ["postgresql", pytest.param("sqlite", marks=pytest.mark.long)], indirect=True
)
TIMEOUT = 2.0


@both
def test_a_holder_stopped_past_its_timeout_writes_nothing(actors: ActorFactory, ask: Ask) -> None:
    """It knows at once when it looks, and the other's write stands."""
    slow, other = actors(2)
    assert slow.gets(timeout=TIMEOUT)
    assert slow.ask("write", text="before") == {"value": "before"}
    with slow.stopped():
        assert other.gets(wait=TIMEOUT + 5)
        assert other.ask("write", text="other") == {"value": "other"}
        slow.tell("look")
    assert slow.answer()["lost"]
    assert slow.ask("write", text="slow")["error"] == "LockLost"
    assert slow.ask("release") == {"held": False}
    assert not other.lost
    assert ask("SELECT text FROM lock_counter") == "other"


def test_a_holder_stopped_after_it_has_looked_is_refused_by_its_number(actors: ActorFactory, ask: Ask) -> None:
    """It thinks that it has the lock, and is about to write: its number is smaller than the other's."""
    slow, other = actors(2)
    assert slow.gets(timeout=TIMEOUT)
    slow.tell("write", text="slow", pause="guard")
    assert slow.answer() == {"paused": True}
    with slow.stopped():
        assert other.gets(wait=TIMEOUT + 5)
        assert other.ask("write", text="other") == {"value": "other"}
    slow.tell("go on")
    answer = slow.answer()
    assert answer["error"] == "LockLost"
    assert "greater number" in answer["text"]
    assert ask("SELECT text FROM lock_counter") == "other"


def test_a_number_taken_too_late_is_none(actors: ActorFactory, ask: Ask) -> None:
    """Of a holder that was stopped before it took it, it would be greater than the other's."""
    slow, other = actors(2)
    assert slow.gets(timeout=TIMEOUT)
    with slow.stopped():
        assert other.gets(wait=TIMEOUT + 5)
        first = other.ask("fence")["value"]
        assert other.ask("write", text="other") == {"value": "other"}
        slow.tell("write", text="slow", pause="number")
    answer = slow.answer()
    if answer == {"paused": True}:  # it did not even look before
        slow.tell("go on")
        answer = slow.answer()
    assert answer["error"] == "LockLost"
    assert ask("SELECT text FROM lock_counter") == "other"
    assert other.ask("fence")["value"] == first


def test_a_number_whose_lock_went_while_it_was_taken_is_none(actors: ActorFactory, ask: Ask) -> None:
    """Stopped between the database's answer and the confirmation."""
    slow, other = actors(2)
    assert slow.gets(timeout=TIMEOUT)
    slow.tell("write", text="slow", pause="number")
    assert slow.answer() == {"paused": True}
    with slow.stopped():
        assert other.gets(wait=TIMEOUT + 5)
        assert other.ask("write", text="other") == {"value": "other"}
    slow.tell("go on")
    assert slow.answer()["error"] == "LockLost"
    assert ask("SELECT text FROM lock_counter") == "other"


@both
def test_a_number_taken_after_a_flush_is_none(actors: ActorFactory, redis: RedisUnderTest, ask: Ask) -> None:
    """By its own clock the first one has the lock, and its number would be the greater one: Redis is asked."""
    first, other = actors(2)
    assert first.gets(timeout=60)
    redis.flush()
    assert other.gets()
    assert other.ask("write", text="other") == {"value": "other"}
    assert first.ask("write", text="first")["error"] == "LockLost"
    assert ask("SELECT text FROM lock_counter") == "other"


@both
def test_numbers_only_grow(actors: ActorFactory, redis: RedisUnderTest) -> None:
    """From holder to holder, in whatever process, and when Redis has lost all it had."""
    seen = []
    one, other = actors(2)
    for actor in (one, other, one, other):
        assert actor.gets(wait=5)
        number = actor.ask("fence")["value"]
        assert actor.ask("fence")["value"] == number
        seen.append(number)
        assert actor.ask("release") == {"held": True}
        redis.restart_empty()
    assert seen == sorted(set(seen))


@both
def test_a_killed_holders_lock_is_free_after_its_timeout(actors: ActorFactory) -> None:
    """`kill -9`: within the timeout and a second."""
    doomed, other = actors(2)
    assert doomed.gets(timeout=3)
    doomed.kill()
    assert not other.gets()
    assert other.gets(wait=3 + 1)


def test_a_waiter_that_is_killed_delays_the_next_by_a_second(actors: ActorFactory, redis: RedisUnderTest) -> None:
    """It stood first in the queue."""
    holder, doomed, other = actors(3)
    assert holder.gets(timeout=30)
    doomed.tell("acquire", name="thing:42", timeout=30, wait=60)
    with redis.client() as raw:
        wait_until(lambda: raw.zcard("cp:lock:{thing:42}:queue") == 1, what="it stands in the queue")
        other.tell("acquire", name="thing:42", timeout=30, wait=60)
        wait_until(lambda: raw.zcard("cp:lock:{thing:42}:queue") == 2, what="so does the other")
    doomed.kill()
    assert holder.ask("release") == {"held": True}
    answer = other.answer()
    assert (answer["had"], answer["backend"]) == (True, "redis")


def test_a_lock_held_for_three_timeouts_is_nobody_elses(actors: ActorFactory, redis: RedisUnderTest) -> None:
    """Renewed all the while; the other one waits for it all the while."""
    holder, other = actors(2)
    assert holder.gets(timeout=TIMEOUT)
    answer = other.ask("acquire", name="thing:42", timeout=TIMEOUT, wait=3 * TIMEOUT)
    assert not answer["had"]
    assert answer["seconds"] >= 3 * TIMEOUT
    assert holder.ask("look") == {"lost": False, "backend": "redis"}
    assert holder.ask("release") == {"held": True}


def test_a_flush_is_known_within_a_third(actors: ActorFactory, redis: RedisUnderTest) -> None:
    """And the one who has it since is left alone by the first one's release."""
    holder, other = actors(2)
    timeout = 15  # so long it would take to be known by the clock
    assert holder.gets(timeout=timeout)
    redis.flush()
    assert other.gets()
    wait_until(lambda: holder.lost, what="the loss is known", timeout=timeout / 3 + 2)
    assert holder.ask("release") == {"held": False}
    assert not other.lost


@both
@pytest.mark.parametrize("away", [False, True])
def test_a_forked_child_has_no_lock(actors: ActorFactory, redis: RedisUnderTest, away: bool) -> None:
    """Its end and its release leave the parent's alone, wherever that is."""
    if away:
        redis.kill()
    parent, other = actors(2)
    assert parent.gets(timeout=TIMEOUT)
    found = parent.ask("fork")
    assert (found["lost"], found["held"], found["error"]) == (True, False, "LockLost")
    assert not other.gets(wait=2 * TIMEOUT)
    assert not parent.lost
    assert parent.ask("release") == {"held": True}
