"""Locks while Redis hangs, is gone, and when it comes back: over several processes, with PostgreSQL or SQLite below."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connections

from cache_platform.database_locks import number_of
from tests.integration.locks.actors import NAME, Actor, ActorFactory
from tests.integration.locks.conftest import Ask, actors, ask, database, environment, redis
from tests.services.postgres import PostgresUnderTest
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

__all__ = ["actors", "ask", "database", "environment", "redis"]
both = pytest.mark.parametrize(
    "database", ["postgresql", pytest.param("sqlite", marks=pytest.mark.long)], indirect=True
)
ways = pytest.mark.parametrize(
    ("leave", "come_back"),
    [(RedisUnderTest.kill, RedisUnderTest.start), (RedisUnderTest.pause, RedisUnderTest.resume)],
    ids=["killed", "hung"],
)
Way = Callable[[RedisUnderTest], None]
TIMEOUT = 2.0


def wait_for_redis(*waiting: Actor) -> None:
    """Return once each process takes its locks in Redis; it asks for one of its own."""
    for index, actor in enumerate(waiting):

        def is_back(actor: Actor = actor, index: int = index) -> bool:
            backend = actor.ask("acquire", name=f"scout:{index}", timeout=10)["backend"]
            actor.ask("release")
            return backend == "redis"

        wait_until(is_back, what="locks are taken in Redis again")


@both
@ways
def test_the_database_takes_over_and_gives_back(
    actors: ActorFactory, redis: RedisUnderTest, database: str, leave: Way, come_back: Way
) -> None:
    """One has it, whoever asks; in Redis again when that is back."""
    one, other = actors(2)
    leave(redis)
    assert one.gets()
    assert one.ask("look") == {"lost": False, "backend": connections[database].vendor}
    assert not other.gets()
    assert one.ask("release") == {"held": True}
    assert other.gets(wait=5)
    assert other.ask("release") == {"held": True}
    come_back(redis)
    wait_for_redis(one, other)
    assert one.gets()
    assert not other.gets()


@both
@ways
def test_a_lock_goes_through_an_outage(actors: ActorFactory, redis: RedisUnderTest, leave: Way, come_back: Way) -> None:
    """From Redis to the database and back, and nobody else ever has it."""
    holder, other = actors(2)
    assert holder.gets(timeout=6)
    leave(redis)
    wait_until(lambda: holder.backend != "redis", what="it is in the database")
    assert not other.gets()
    come_back(redis)
    wait_until(lambda: holder.backend == "redis", what="it is in Redis again")
    assert not other.gets(wait=1)
    assert not holder.lost
    assert holder.ask("release") == {"held": False}  # for nobody can say whether it was, all the while
    assert other.gets(wait=10)


def test_who_was_overtaken_in_an_outage_writes_nothing(actors: ActorFactory, redis: RedisUnderTest, ask: Ask) -> None:
    """Another had it in the database, wrote, and let it go before the first one asked there, which finds it free."""
    first, other = actors(2)
    assert first.gets(timeout=60)  # so it does not renew it meanwhile
    redis.kill()
    assert other.gets()
    assert other.ask("write", text="other") == {"value": "other"}
    assert other.ask("release") == {"held": True}
    assert first.ask("write", text="first")["error"] == "LockLost"
    assert first.ask("look") == {"lost": False, "backend": "postgresql"}  # it has it, and nobody else
    assert ask("SELECT text FROM lock_counter") == "other"
    assert first.ask("release") == {"held": False}


def test_what_is_let_go_while_redis_hangs_is_free_when_it_goes_on(actors: ActorFactory, redis: RedisUnderTest) -> None:
    """Not an hour later; and what it was asked for without an answer, too."""
    one, other = actors(2)
    assert one.gets(timeout=3600)
    redis.pause()
    assert one.ask("release") == {"held": False}
    assert other.gets(timeout=3600)
    assert other.ask("release") == {"held": True}
    redis.resume()
    wait_for_redis(one, other)
    assert one.gets()


@both
@ways
def test_a_holder_that_did_not_notice_writes_nothing(
    actors: ActorFactory, redis: RedisUnderTest, ask: Ask, leave: Way, come_back: Way
) -> None:
    """It had the lock in Redis; another one got it from the database, and has written."""
    slow, other = actors(2)
    assert slow.gets(timeout=60)  # so by its own clock it has it
    slow.ask("fence")
    slow.stop()
    leave(redis)
    assert other.gets()
    assert other.ask("write", text="other") == {"value": "other"}
    slow.tell("write", text="slow")
    slow.go_on()
    assert slow.answer()["error"] == "LockLost"
    assert ask("SELECT text FROM lock_counter") == "other"
    assert not other.lost


def test_one_that_has_it_in_the_database_alone_is_respected(actors: ActorFactory, redis: RedisUnderTest) -> None:
    """By those who have seen the outage; for it is stopped, and cannot take it back to Redis."""
    slow, other = actors(2)
    redis.kill()
    assert slow.gets(timeout=60)
    assert not other.gets()
    with slow.stopped():
        redis.start()
        wait_for_redis(other)
        assert not other.gets()
    wait_until(lambda: slow.backend == "redis", what="it is in Redis again")
    assert not other.gets()
    assert not slow.lost


def test_the_first_lock_of_a_process_respects_it_too(actors: ActorFactory, redis: RedisUnderTest) -> None:
    """It has noticed the outage by other means."""
    slow, other = actors(2)
    assert other.ask("read") == {"away": False}
    redis.kill()
    assert other.ask("read") == {"away": True}
    assert slow.gets(timeout=60)
    with slow.stopped():
        redis.start()
        wait_until(lambda: not other.ask("read")["away"], what="it sees that Redis is back")
        assert not other.gets()
    assert not slow.lost


def test_one_that_has_it_in_the_database_knows_when_another_got_it_in_redis(
    actors: ActorFactory, redis: RedisUnderTest, ask: Ask
) -> None:
    """From a process that has not seen the outage, and does not ask the database: what is written stays in order."""
    [slow] = actors(1)
    redis.kill()
    assert slow.gets(timeout=60)
    slow.ask("fence")
    slow.stop()
    redis.start()
    [new] = actors(1)
    assert new.gets()
    assert new.ask("write", text="new") == {"value": "new"}
    slow.go_on()
    wait_until(lambda: slow.lost, what="the loss is known", timeout=5)
    assert slow.ask("write", text="slow")["error"] == "LockLost"
    assert ask("SELECT text FROM lock_counter") == "new"
    assert not new.lost


@both
def test_a_holder_stopped_past_its_timeout_keeps_nobody_out(
    actors: ActorFactory, redis: RedisUnderTest, ask: Ask
) -> None:
    """As in Redis: PostgreSQL ends its session, SQLite's row has a deadline."""
    redis.kill()
    slow, other = actors(2)
    assert slow.gets(timeout=TIMEOUT)
    with slow.stopped():
        assert other.gets(wait=TIMEOUT + 5)
        assert other.ask("write", text="other") == {"value": "other"}
        slow.tell("look")
    assert slow.answer()["lost"]
    assert slow.ask("write", text="slow")["error"] == "LockLost"
    assert slow.ask("release") == {"held": False}
    assert ask("SELECT text FROM lock_counter") == "other"


@both
def test_a_killed_holders_lock_is_free_after_its_timeout(actors: ActorFactory, redis: RedisUnderTest) -> None:
    """`kill -9`: within the timeout and a second; on PostgreSQL at once, since its session ends with it."""
    redis.kill()
    doomed, other = actors(2)
    assert doomed.gets(timeout=3)
    assert not other.gets()
    doomed.kill()
    assert other.gets(wait=3 + 1)


def test_a_session_that_the_server_ended_is_a_loss(actors: ActorFactory, redis: RedisUnderTest, ask: Ask) -> None:
    """Known at the next renewal, however long the timeout is."""
    redis.kill()
    [holder] = actors(1)
    assert holder.gets(timeout=60)
    assert ask(sessions("pg_terminate_backend(pid)")) is True
    wait_until(lambda: holder.lost, what="the loss is known", timeout=5)
    assert holder.ask("release") == {"held": False}


def sessions(column: str) -> str:
    """Of those who hold the lock in PostgreSQL."""
    number = number_of(NAME) % 2**64
    return (
        f"SELECT {column} FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
        f" AND classid = {number >> 32}::oid AND objid = {number % 2**32}::oid"
    )


def test_no_session_stays_behind(actors: ActorFactory, redis: RedisUnderTest, ask: Ask) -> None:
    """Neither of those who let go nor of those who were refused."""
    redis.kill()
    one, other = actors(2)
    before = ask("SELECT count(*) FROM pg_stat_activity")
    timeout = 120  # so long PostgreSQL would keep a session that was left behind
    assert one.gets(timeout=timeout)
    assert not other.gets(timeout=timeout, wait=0.2)
    assert not other.gets(timeout=timeout)
    assert ask(sessions("count(*)")) == 1
    one.ask("release")
    wait_until(lambda: ask("SELECT count(*) FROM pg_stat_activity") == before, what="the sessions have ended")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_guarded_writes_on_sqlite(actors: ActorFactory, redis: RedisUnderTest, ask: Ask) -> None:
    """Its one writer is inside the guarded transaction, and still has to see that it holds the lock."""
    redis.kill()
    [only] = actors(1)
    assert only.gets()
    for text in ("one", "two"):
        assert only.ask("write", text=text) == {"value": text}
        assert ask("SELECT text FROM lock_counter") == text


def test_without_redis_and_database_nobody_has_it(
    actors: ActorFactory, redis: RedisUnderTest, postgres_server: PostgresUnderTest
) -> None:
    """It is refused within its time, and nothing worse happens."""
    [one] = actors(1, DATABASE_URL="postgresql://nobody:nothing@127.0.0.1:1/site")
    redis.kill()
    answer = one.ask("acquire", name=NAME, timeout=5, wait=0.2)
    assert not answer["had"]
