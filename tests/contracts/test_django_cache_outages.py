"""CACHES["default"] while its Redis is away, hung, full or read-only: a cache that is empty, and no error."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from django.core.cache import caches
from redis.exceptions import LockError

from cache_platform.backend import RedisCache
from cache_platform.stores import connection
from cache_platform.stores.connection import get_breaker
from tests.contracts.django_cache import caches_on, close_breaker
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until
from tests.vendor.django_cache.base_cache_tests import Unpicklable

CALLS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "get": (lambda c: c.get("key", "default"), "default"),
    "get_many": (lambda c: c.get_many(["key", "other"]), {}),
    "set": (lambda c: c.set("key", "value"), False),
    "set with nx": (lambda c: c.set("key", "value", nx=True), False),
    "set_many": (lambda c: c.set_many({"key": 1, "other": 2}), ["key", "other"]),
    "add": (lambda c: c.add("key", "value"), False),
    "delete": (lambda c: c.delete("key"), False),
    "delete_many": (lambda c: c.delete_many(["key", "other"]), None),
    "clear": (lambda c: c.clear(), None),
    "has_key": (lambda c: c.has_key("key"), False),
    "in": (lambda c: "key" in c, False),
    "touch": (lambda c: c.touch("key"), False),
    "get_or_set": (lambda c: c.get_or_set("key", lambda: "made"), "made"),
    "keys": (lambda c: c.keys("*"), []),
    "iter_keys": (lambda c: list(c.iter_keys("*")), []),
    "delete_pattern": (lambda c: c.delete_pattern("*"), 0),
    "ttl": (lambda c: c.ttl("key"), 0),
    "pttl": (lambda c: c.pttl("key"), 0),
    "expire": (lambda c: c.expire("key", 10), False),
    "expire_at": (lambda c: c.expire_at("key", 10), False),
    "pexpire": (lambda c: c.pexpire("key", 10), False),
    "pexpire_at": (lambda c: c.pexpire_at("key", 10), False),
    "persist": (lambda c: c.persist("key"), False),
    "sadd": (lambda c: c.sadd("key", 1), 0),
    "scard": (lambda c: c.scard("key"), 0),
    "sdiff": (lambda c: c.sdiff("key", "other"), set()),
    "sdiffstore": (lambda c: c.sdiffstore("to", "key"), 0),
    "sinter": (lambda c: c.sinter("key", "other"), set()),
    "sinterstore": (lambda c: c.sinterstore("to", "key"), 0),
    "sismember": (lambda c: c.sismember("key", 1), False),
    "smembers": (lambda c: c.smembers("key"), set()),
    "smismember": (lambda c: c.smismember("key", 1, 2), [False, False]),
    "smove": (lambda c: c.smove("key", "to", 1), False),
    "spop": (lambda c: c.spop("key"), None),
    "spop of many": (lambda c: c.spop("key", 2), set()),
    "srandmember": (lambda c: c.srandmember("key"), None),
    "srandmember of many": (lambda c: c.srandmember("key", count=2), []),
    "srem": (lambda c: c.srem("key", 1), 0),
    "sscan": (lambda c: c.sscan("key"), set()),
    "sscan_iter": (lambda c: list(c.sscan_iter("key")), []),
    "sunion": (lambda c: c.sunion("key", "other"), set()),
    "sunionstore": (lambda c: c.sunionstore("to", "key"), 0),
    "hset": (lambda c: c.hset("key", "field", 1), 0),
    "hdel": (lambda c: c.hdel("key", "field"), 0),
    "hlen": (lambda c: c.hlen("key"), 0),
    "hkeys": (lambda c: c.hkeys("key"), []),
    "hexists": (lambda c: c.hexists("key", "field"), False),
    "zadd": (lambda c: c.zadd("key", {"a": 1}), 0),
    "zcard": (lambda c: c.zcard("key"), 0),
    "zcount": (lambda c: c.zcount("key", 0, 1), 0),
    "zincrby": (lambda c: c.zincrby("key", 1, "a"), None),
    "zpopmax": (lambda c: c.zpopmax("key"), None),
    "zpopmin of many": (lambda c: c.zpopmin("key", 2), []),
    "zrange": (lambda c: c.zrange("key", 0, -1), []),
    "zrangebyscore": (lambda c: c.zrangebyscore("key", 0, 1), []),
    "zrank": (lambda c: c.zrank("key", "a"), None),
    "zrem": (lambda c: c.zrem("key", "a"), 0),
    "zremrangebyscore": (lambda c: c.zremrangebyscore("key", 0, 1), 0),
    "zrevrange": (lambda c: c.zrevrange("key", 0, -1), []),
    "zrevrangebyscore": (lambda c: c.zrevrangebyscore("key", 1, 0), []),
    "zscore": (lambda c: c.zscore("key", "a"), None),
    "lock": (lambda c: c.lock("key").acquire(), False),
    "locked": (lambda c: c.lock("key").locked(), False),
    "owned": (lambda c: c.lock("key").owned(), False),
    "close": (lambda c: c.close(), None),
}


@pytest.fixture
def dead(own_redis: RedisUnderTest, frail_cache: Any) -> Any:
    """A cache that was in use when its server was killed."""
    frail_cache.set("key", "value")
    own_redis.kill()
    return frail_cache


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The commands that this thread sends; the breaker's thread probes in its own time."""
    commands: list[str] = []
    tester, send = threading.get_ident(), redis.Redis.execute_command

    def counting(client: redis.Redis, *args: Any, **options: Any) -> Any:
        if threading.get_ident() == tester:
            commands.append(args[0])
        return send(client, *args, **options)

    monkeypatch.setattr(redis.Redis, "execute_command", counting)
    return commands


@pytest.mark.parametrize("call", CALLS)
def test_absent_redis_looks_like_an_empty_cache(absent_cache: Any, call: str) -> None:
    """Each method answers as for a key that does not exist: for the call that finds out, and for the next."""
    method, answer = CALLS[call]
    assert method(absent_cache) == answer
    assert get_breaker("default").is_open or call == "close"
    assert method(absent_cache) == answer


def test_killed_redis_looks_like_an_empty_cache(dead: Any) -> None:
    """The same when the connections of the pool break."""
    for method, answer in CALLS.values():
        assert method(dead) == answer


def test_every_method_is_called_in_an_outage() -> None:
    """A method that is added later must not be forgotten above."""
    public = {name for name in vars(RedisCache) if name[0] != "_" and name != "client"}
    raising = {"incr", "decr", "incr_version"}
    assert public - raising - {call.split()[0] for call in CALLS} == set()


@pytest.mark.parametrize("method", ["incr", "decr", "incr_version", "decr_version"])
def test_counting_without_redis_says_that_the_key_is_missing(absent_cache: Any, method: str) -> None:
    """ValueError is what Django documents for a missing key, and what callers of incr must expect anyway."""
    for _ in range(2):
        with pytest.raises(ValueError, match="not found"):
            getattr(absent_cache, method)("key")


def test_lock_is_not_held_in_doubt(dead: Any) -> None:
    """Without Redis the body of `with cache.lock()` does not run, and a blocking acquire does not block for ever."""
    with pytest.raises(LockError), dead.lock("job"):
        pytest.fail("the body ran without the lock")
    assert dead.lock("job", blocking=True).acquire() is False


def test_lock_held_when_redis_dies(own_redis: RedisUnderTest, frail_cache: Any) -> None:
    """It can be let go without an error, but not be prolonged."""
    lock = frail_cache.lock("job")
    assert lock.acquire()
    own_redis.kill()
    assert lock.owned() is False
    with pytest.raises(LockError):
        lock.extend(10)
    with pytest.raises(LockError):
        lock.reacquire()
    lock.release()


def test_unpicklable_value_raises_without_redis_too(dead: Any) -> None:
    """A mistake of the caller is not hidden by an outage."""
    with pytest.raises(pickle.PickleError):
        dead.set("key", Unpicklable())


def test_hung_redis_is_asked_once(own_redis: RedisUnderTest, frail_cache: Any, asked: list[str]) -> None:
    """The first call pays the timeout and opens the breaker; those after it do not ask at all."""
    frail_cache.set("key", "value")
    own_redis.pause()
    asked.clear()
    assert frail_cache.get("key", "default") == "default"
    assert asked == ["GET"]
    assert get_breaker("default").is_open
    for method, answer in CALLS.values():
        assert method(frail_cache) == answer
    assert asked == ["GET"]
    own_redis.resume()


def test_hung_redis_that_answers_again_is_used_again(own_redis: RedisUnderTest, frail_cache: Any) -> None:
    """Nothing has to be done for that: the breaker's thread closes it."""
    frail_cache.set("key", "value")
    own_redis.pause()
    assert frail_cache.get("key") is None
    own_redis.resume()
    wait_until(lambda: not get_breaker("default").is_open, what="the breaker closes by itself")
    assert frail_cache.get("key") == "value"


def test_breaker_is_shared_with_the_platform_and_other_aliases(own_redis: RedisUnderTest) -> None:
    """Who finds out first spares all others that use the same address the timeout."""
    with caches_on(own_redis.url, other={"KEY_PREFIX": "other"}) as cache:
        assert cache.client.breaker is get_breaker("default") is caches["other"].client.breaker
        own_redis.kill()
        cache.get("key")
        with pytest.raises(connection.StoreUnavailable, match="breaker open"):
            connection.guarded("other", lambda client: client.get("key"))


def test_restart_with_empty_data_is_used_again(own_redis: RedisUnderTest, frail_cache: Any) -> None:
    """After kill -9 and a restart the cache is empty and works."""
    frail_cache.set("key", "value")
    own_redis.kill()
    assert frail_cache.get("key") is None
    own_redis.start()
    close_breaker()
    assert frail_cache.get("key") is None
    assert frail_cache.set("key", "new") is True
    assert frail_cache.get("key") == "new"


@pytest.fixture
def full(own_raw: redis.Redis, frail_cache: Any) -> Any:
    """A cache on a server that has no memory left and may not evict."""
    frail_cache.set_many({"key": "old", "other": "old"})
    frail_cache.set("number", 1)
    own_raw.config_set("maxmemory", 1)
    return frail_cache


def test_full_redis_stores_nothing_and_fails_nothing(full: Any) -> None:
    """Entries are not stored, reads go on, and the breaker stays closed: the server is well."""
    assert full.get("key") == "old"
    assert full.add("new", "value") is False
    assert full.set("new", "value") is False
    assert full.set("new", "value", nx=True) is False
    assert full.get_or_set("new", "made") == "made"
    assert full.sadd("set", 1) == 0
    assert full.lock("job", blocking=False).acquire() is False
    with pytest.raises(ValueError, match="not found"):
        full.incr("number")
    with pytest.raises(ValueError, match="not found"):
        full.incr_version("key")
    assert full.touch("key") is True
    assert full.get("key") == "old"
    assert not get_breaker("default").is_open


def test_full_redis_does_not_keep_the_older_value(full: Any, own_raw: redis.Redis) -> None:
    """A value that could not be replaced is removed, so that it is not read as if it were the new one."""
    assert full.set("key", "new") is False
    assert full.set_many({"other": "new", "third": "new"}) == ["other", "third"]
    assert full.get_many(["key", "other", "third"]) == {}
    assert full.delete("number") is True
    own_raw.config_set("maxmemory", 0)
    assert full.set("key", "new") is True
    assert full.get("key") == "new"


def test_read_only_replica_is_not_used(own_raw: redis.Redis, frail_cache: Any) -> None:
    """A server that became a replica stops being asked, reads included, until it may be written again."""
    frail_cache.set("key", "value")
    own_raw.replicaof("127.0.0.1", "1")
    assert frail_cache.add("new", "value") is False
    assert get_breaker("default").is_open
    assert get_breaker("default").try_to_close() is False
    assert frail_cache.get("key") is None
    assert frail_cache.delete("key") is False
    own_raw.replicaof("NO", "ONE")
    close_breaker()
    assert frail_cache.get("key") is None
    assert frail_cache.set("key", "new") is True


def test_iteration_ends_when_redis_goes_away_in_between(own_redis: RedisUnderTest, frail_cache: Any) -> None:
    """A generator asks as it goes, so each of its steps is guarded."""
    frail_cache.set_many({f"key{n}": n for n in range(500)})
    found = frail_cache.iter_keys("*", itersize=10)
    next(found)
    own_redis.kill()
    assert len(list(found)) < 499


def test_async_methods_survive_an_outage(dead: Any) -> None:
    """They go through the same guarded methods."""

    async def answers() -> list[Any]:
        return [
            await dead.aget("key", "default"),
            await dead.aset_many({"key": 1}),
            await dead.aget_many(["key"]),
            await dead.aadd("key", 1),
            await dead.ahas_key("key"),
            await dead.adelete("key"),
            await dead.aget_or_set("key", "made"),
        ]

    assert async_to_sync(answers)() == ["default", [], {}, False, False, False, "made"]


def test_server_that_loads_its_data_looks_like_an_empty_cache(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """LOADING, MASTERDOWN, MISCONF and lost logins are states of the server and open the breaker."""
    errors = [
        redis.exceptions.BusyLoadingError("loading"),
        redis.exceptions.MasterDownError("link with master is down"),
        redis.exceptions.ResponseError("MISCONF cannot persist"),
        redis.exceptions.AuthenticationError("wrong password"),
        redis.exceptions.NoPermissionError("no permission"),
        OSError("network unreachable"),
    ]
    for error in errors:

        def refuse(*_args: Any, error: Exception = error, **_options: Any) -> Any:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(redis.Redis, "execute_command", refuse)
            assert cache.get("key", "default") == "default"
            assert get_breaker("default").is_open
        close_breaker()
