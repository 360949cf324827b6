"""What every store of locks must do: the same suite for memory, a real Valkey, PostgreSQL and SQLite; the queue for the
two that have one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cache_platform.database_locks import PostgresLocks, SqliteLocks
from cache_platform.lock_grips import HELD
from cache_platform.stores.base import new_token
from cache_platform.stores.lock_store import LockStore, MemoryLocks, RedisLocks
from tests.conftest import use_redis
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

LONG, SHORT = 60.0, 0.3
QUEUING = ["memory", "valkey", pytest.param("redis", marks=pytest.mark.system)]


def made(kind: str, request: pytest.FixtureRequest) -> LockStore:
    """A store of locks."""
    if kind == "memory":
        return MemoryLocks()
    if kind == "postgresql":
        return PostgresLocks(request.getfixturevalue("postgres_alias"))
    if kind == "sqlite":
        return SqliteLocks(request.getfixturevalue("sqlite_alias"))
    server: RedisUnderTest = request.getfixturevalue("redis_server" if kind == "valkey" else "debian_redis")
    use_redis(request.getfixturevalue("settings"), server.url)
    return RedisLocks("default")


class Held:
    """A store whose locks are let go after the test."""

    def __init__(self, store: LockStore) -> None:
        self.store = store
        self.name = f"thing:{new_token()}"
        self._owners: set[tuple[str, str]] = set()

    def acquire(self, owner: str, *, timeout: float = LONG, queue: bool = False, name: str = "") -> int:
        """See LockStore."""
        self._owners.add((name or self.name, owner))
        return self.store.acquire(name or self.name, owner, timeout, queue=queue)

    def renew(self, owner: str, *, timeout: float = LONG) -> bool:
        """See LockStore."""
        return self.store.renew(self.name, owner, timeout)

    def release(self, owner: str) -> bool:
        """See LockStore."""
        return self.store.release(self.name, owner)

    def clear(self) -> None:
        """Let all go."""
        for name, owner in self._owners:
            self.store.release(name, owner)


@pytest.fixture(params=[*QUEUING, "postgresql", "sqlite"])
def locks(request: pytest.FixtureRequest) -> Iterator[Held]:
    """Each store in turn."""
    held = Held(made(request.param, request))
    yield held
    held.clear()


@pytest.fixture(params=QUEUING)
def queue(request: pytest.FixtureRequest) -> Iterator[Held]:
    """Each store that has a queue."""
    held = Held(made(request.param, request))
    yield held
    held.clear()


@pytest.fixture
def valkey(redis_server: RedisUnderTest, settings: Any) -> Held:
    """Locks in Redis."""
    use_redis(settings, redis_server.url)
    return Held(RedisLocks("default"))


def test_one_owner_has_it(locks: Held) -> None:
    """Others are refused until it is let go."""
    assert locks.acquire("a") == HELD
    assert locks.acquire("b") != HELD
    assert locks.release("a")
    assert locks.acquire("b") == HELD


def test_locks_with_other_names_are_others(locks: Held) -> None:
    """Each has its holder."""
    assert locks.acquire("a") == HELD
    assert locks.acquire("b", name="another") == HELD


def test_only_the_owner_lets_it_go(locks: Held) -> None:
    """And only once."""
    assert locks.acquire("a") == HELD
    assert not locks.release("b")
    assert locks.acquire("b") != HELD
    assert locks.release("a")
    assert not locks.release("a")


def test_only_the_owner_renews_it(locks: Held) -> None:
    """Others are told that they do not have it, and nobody gets it by renewing."""
    assert not locks.renew("a")
    assert locks.acquire("a") == HELD
    assert locks.renew("a")
    assert not locks.renew("b")
    locks.release("a")
    assert not locks.renew("a")
    assert locks.acquire("b") == HELD


def test_it_is_free_after_its_timeout(locks: Held) -> None:
    """Whoever had it is refused then."""
    assert locks.acquire("a", timeout=SHORT) == HELD
    wait_until(lambda: locks.acquire("b") == HELD, what="the lock is free", timeout=SHORT + 1)
    assert not locks.renew("a")
    assert not locks.release("a")
    assert locks.acquire("c") != HELD


def test_a_renewal_says_how_long(queue: Held) -> None:
    """It counts from the renewal."""
    assert queue.acquire("a", timeout=LONG) == HELD
    assert queue.renew("a", timeout=SHORT)
    wait_until(lambda: queue.acquire("b") == HELD, what="the lock is free", timeout=SHORT + 1)


@pytest.mark.parametrize("name", ["{x}", "a b\r\nc", "\N{SNOWMAN}", "x" * 200])
def test_any_name_will_do(locks: Held, name: str) -> None:
    """Stores take what comes; the lock itself hashes such names."""
    assert locks.acquire("a", name=name) == HELD
    assert locks.acquire("b", name=name) != HELD


def test_the_owner_may_ask_again(queue: Held) -> None:
    """As redis-py does when the answer was lost."""
    assert queue.acquire("a") == HELD
    assert queue.acquire("a") == HELD


def test_those_who_wait_get_it_in_their_order(queue: Held) -> None:
    """Each sees its place; whoever does not wait overtakes nobody."""
    assert queue.acquire("a") == HELD
    assert [queue.acquire(owner, queue=True) for owner in "bcb"] == [1, 2, 1]
    queue.release("a")
    assert queue.acquire("x") != HELD
    assert queue.acquire("c", queue=True) == 2
    assert queue.acquire("b", queue=True) == HELD
    queue.release("b")
    assert queue.acquire("x") != HELD
    assert queue.acquire("c", queue=True) == HELD


def test_who_leaves_the_queue_delays_nobody(queue: Held) -> None:
    """The next one gets it at once."""
    assert queue.acquire("a") == HELD
    assert [queue.acquire(owner, queue=True) for owner in "bc"] == [1, 2]
    assert not queue.release("b")
    queue.release("a")
    assert queue.acquire("c", queue=True) == HELD


def test_who_dies_in_the_queue_delays_the_others_for_a_second(queue: Held) -> None:
    """Those who are seen stay in their order."""
    assert queue.acquire("a") == HELD
    assert [queue.acquire(owner, queue=True) for owner in "bcd"] == [1, 2, 3]
    queue.release("a")

    def both_ask() -> bool:
        assert queue.acquire("d", queue=True) != HELD
        return queue.acquire("c", queue=True) == HELD

    assert not both_ask()
    wait_until(both_ask, what="the first who is alive has it", timeout=3)


def test_who_does_not_wait_gets_it_when_all_who_waited_are_gone(queue: Held) -> None:
    """Nobody asks again, and nothing of them stays."""
    assert queue.acquire("a") == HELD
    assert queue.acquire("b", queue=True) == 1
    queue.release("a")
    assert queue.acquire("x") != HELD
    wait_until(lambda: queue.acquire("x") == HELD, what="the queue has ended", timeout=3)


def test_a_lock_that_nobody_has_can_be_taken_past_the_queue(queue: Held) -> None:
    """By whoever has it elsewhere, and only then."""
    store = queue.store
    assert isinstance(store, MemoryLocks | RedisLocks)
    assert queue.acquire("a") == HELD
    assert queue.acquire("b", queue=True) == 1
    assert not store.renew(queue.name, "c", LONG, take=True)
    queue.release("a")
    assert store.renew(queue.name, "c", LONG, take=True)
    assert queue.acquire("b", queue=True) != HELD


def test_all_keys_of_a_lock_end_and_share_a_slot(valkey: Held, redis_server: RedisUnderTest) -> None:
    """Lock and queue stand under one hash tag of a cluster."""
    assert valkey.acquire("a") == HELD
    valkey.acquire("b", queue=True)
    base = f"cp:lock:{{{valkey.name}}}"
    with redis_server.client() as raw:
        assert {key.decode() for key in raw.keys("*lock*")} == {base, f"{base}:queue", f"{base}:seen"}
        assert all(0 < raw.pttl(key) <= LONG * 1000 for key in raw.keys("*lock*"))


def test_what_is_planted_does_not_lock_for_ever(valkey: Held, redis_server: RedisUnderTest) -> None:
    """A lock that never ends, and keys of other types, are not ours."""
    base = f"cp:lock:{{{valkey.name}}}"
    with redis_server.client() as raw:
        raw.set(base, "planted")
        raw.set(f"{base}:queue", "planted")
        raw.set(f"{base}:seen", "planted")
        assert valkey.acquire("a") == HELD
        raw.set(f"{base}:queue", "planted")
        raw.set(f"{base}:seen", "planted")
        assert valkey.acquire("b", queue=True) == 1
        raw.delete(base)
        raw.hset(base, "planted", "1")
        assert valkey.acquire("b", queue=True) == HELD


def test_a_full_server_gives_locks(valkey: Held, redis_server: RedisUnderTest) -> None:
    """They are few and small, and nothing works without."""
    redis_server.limit_memory("100kb")
    assert valkey.acquire("a") == HELD
    assert valkey.acquire("b", queue=True) == 1
    assert valkey.renew("a")
    assert valkey.release("a")
