"""What CACHES["default"] does on a healthy server, and what its clear() touches."""

from __future__ import annotations

import pickle
from typing import Any

import django_redis.cache
import pytest
import redis
from asgiref.sync import async_to_sync
from django.core.cache import CacheKeyWarning, caches, close_caches
from django.core.exceptions import ImproperlyConfigured

from cache_platform.backend import RedisCache
from tests.contracts.django_cache import OPTIONS, cache_settings, caches_on, stored
from tests.services.redis import RedisUnderTest
from tests.vendor.django_cache.base_cache_tests import Unpicklable


def test_integers_are_stored_as_digits(cache: Any, raw: redis.Redis) -> None:
    """INCR needs digits; what INCR cannot count is signed like everything else."""
    for value in (0, -1, 2**63 - 1, -(2**63)):
        cache.set("key", value)
        assert raw.get("site:1:key") == str(value).encode()
        assert cache.get("key") == value
    for value in (True, 2**63, 10**5000, 1.5, "1"):
        cache.set("key", value)
        assert raw.get("site:1:key")[:2] == b"S1"
        assert cache.get("key") == value


def test_incr_counts_beyond_64_bits_and_keeps_the_end(cache: Any) -> None:
    """A sum that Redis cannot hold, or a float, is stored again under the TTL that it had."""
    cache.set("big", 2**63 - 1, 100)
    assert cache.incr("big") == 2**63
    assert cache.incr("big") == 2**63 + 1
    assert 90_000 < cache.pttl("big") <= 100_000
    cache.set("float", 1.5)
    assert cache.incr("float", 2) == 3.5


def test_incr_of_an_unreadable_value_says_missing(cache: Any, raw: redis.Redis) -> None:
    """A planted value is missing for incr and incr_version as well."""
    raw.set("site:1:key", b"planted")
    with pytest.raises(ValueError, match="not found"):
        cache.incr("key")
    with pytest.raises(ValueError, match="not found"):
        cache.incr_version("key")


def test_incr_creates_the_key_when_told(cache: Any) -> None:
    """django-redis's ignore_key_check begins at zero."""
    assert cache.incr("new", 5, ignore_key_check=True) == 5


def test_incr_version_keeps_the_end_and_signs_for_the_new_key(cache: Any) -> None:
    """The value moves with its TTL, and can be read under its new version only."""
    cache.set("key", "value", 100)
    assert cache.incr_version("key") == 2
    assert cache.get("key") is None
    assert cache.get("key", version=2) == "value"
    assert 90 < cache.ttl("key", version=2) <= 100
    assert cache.incr_version("key", 0, version=2) == 2
    assert cache.get("key", version=2) == "value"


def test_touch_with_none_answers_true_for_a_key_that_never_ends(cache: Any) -> None:
    """Django: True if the key was touched, False only if it does not exist."""
    cache.set("key", "value", None)
    assert cache.touch("key", None) is True
    assert cache.touch("other", None) is False


def test_set_with_nx_and_xx_says_whether_it_stored(cache: Any) -> None:
    """django-redis's conditions go on working."""
    assert cache.set("key", 1, xx=True) is False
    assert cache.set("key", 1, nx=True) is True
    assert cache.set("key", 2, nx=True) is False
    assert cache.set("key", 3, xx=True) is True


def test_clear_touches_only_its_own_keys(redis_server: RedisUnderTest, raw: redis.Redis) -> None:
    """Foreign keys, the platform's, and other prefixes survive; every version of the cache's own goes."""
    foreign = ["cp:weather.current:52.52", "celery", "sites:1:a", "site", "site:more:1:a", "xsite:1:a", "site:1"]
    for name in foreign:
        raw.set(name, 1)
    raw.set(b"site:\xff\xfe", 1)
    with caches_on(redis_server.url, more={"KEY_PREFIX": "site:more"}, named={"VERSION": "beta"}) as cache:
        caches["more"].set("b", 1)
        for version in (-1, 1, 2, 10):
            cache.set_many({f"key{n}": n for n in range(300)}, version=version)
        with pytest.warns(CacheKeyWarning):
            cache.set("two\nlines:and*more", 1)
        cache.clear()
        assert stored(raw) == sorted([*(name.encode() for name in foreign), b"site:more:1:b", b"site:\xff\xfe"])
        caches["named"].set("key", 1)
        caches["named"].clear()
        assert caches["named"].get("key") is None


@pytest.mark.parametrize("prefix", ["si*e", "s[a-z]te", "s?te", "s\\ite", "[", "*"])
def test_clear_takes_glob_characters_in_the_prefix_literally(
    redis_server: RedisUnderTest, raw: redis.Redis, prefix: str
) -> None:
    """A prefix that would match other caches' keys as a pattern matches nothing but itself."""
    raw.set("site:1:other", 1)
    with caches_on(redis_server.url, odd={"KEY_PREFIX": prefix}):
        odd = caches["odd"]
        odd.set("key", "value")
        assert odd.keys("*") == ["key"]
        assert odd.delete_pattern("k*") == 1
        odd.set("key", "value")
        odd.clear()
        assert odd.get("key") is None
    assert stored(raw) == [b"site:1:other"]


def test_without_a_prefix_keys_begin_with_django(redis_server: RedisUnderTest, raw: redis.Redis) -> None:
    """An empty KEY_PREFIX does not make clear() wipe the server."""
    raw.set("foreign", 1)
    with caches_on(redis_server.url, plain={"KEY_PREFIX": ""}):
        caches["plain"].set("key", 1)
        assert stored(raw) == [b"django:1:key", b"foreign"]
        caches["plain"].clear()
    assert stored(raw) == [b"foreign"]


def prefix_last(key: str, prefix: str, version: object) -> str:
    """A KEY_FUNCTION whose keys cannot be told from others'."""
    return f"{key}:{version}:{prefix}"


@pytest.mark.parametrize(
    "params",
    [
        {"KEY_PREFIX": "cp"},
        {"KEY_PREFIX": "cp:cache"},
        {"KEY_FUNCTION": prefix_last},
        {"LOCATION": ["unix:///a", "unix:///b"]},
        {"LOCATION": "redis://a,redis://b"},
        {"LOCATION": None},
        {"OPTIONS": {**OPTIONS, "SERIALIZER": "django_redis.serializers.pickle.PickleSerializer"}},
        {"OPTIONS": {**OPTIONS, "CLIENT_CLASS": "django_redis.client.DefaultClient"}},
    ],
)
def test_settings_that_would_break_a_promise_are_refused(params: dict[str, Any]) -> None:
    """Mixed keys, several servers and unsigned values stop the start with one line."""
    wanted = cache_settings("unix:///nowhere", **params)
    wanted.pop("BACKEND")
    location = wanted.pop("LOCATION")
    with pytest.raises(ImproperlyConfigured, match="CACHES"):
        RedisCache(location, wanted)


def test_aliases_with_other_timeouts_have_pools_of_their_own(redis_server: RedisUnderTest) -> None:
    """With django-redis's own factory the second alias would get the first one's timeout."""
    with caches_on(redis_server.url, same={}, patient={"OPTIONS": {**OPTIONS, "SOCKET_TIMEOUT": 3}}) as cache:
        pool = cache.client.get_client().connection_pool
        assert caches["same"].client.get_client().connection_pool is pool
        assert caches["patient"].client.get_client().connection_pool.connection_kwargs["socket_timeout"] == 3
        assert pool.connection_kwargs["socket_timeout"] == 0.25


def test_keys_are_listed_without_prefix_and_version(cache: Any) -> None:
    """iter_keys and keys take a glob and give what get() takes."""
    cache.set_many({"user:1": 1, "user:2": 2, "other": 3})
    cache.set("user:3", 3, version=2)
    assert sorted(cache.iter_keys("user:*")) == ["user:1", "user:2"]
    assert cache.keys("user:*", version=2) == ["user:3"]
    assert cache.delete_pattern("user:*") == 2
    assert cache.get_many(["user:1", "other"]) == {"other": 3}


def test_members_of_other_types_come_back(cache: Any) -> None:
    """Sets, hashes and sorted sets keep their members, and Redis itself can compare and move them."""
    cache.sadd("a", "x", 1, ("t", 2))
    cache.sadd("b", 1)
    assert cache.smembers("a") == {"x", 1, ("t", 2)}
    assert set(cache.sscan_iter("a")) == cache.sscan("a", count=100) == {"x", 1, ("t", 2)}
    assert cache.sismember("a", ("t", 2)) is True
    assert cache.smove("a", "b", "x") is True
    assert cache.sunion("a", "b") == {"x", 1, ("t", 2)}
    assert cache.zadd("z", {"low": 1, "high": 2}) == 2
    assert cache.zrange("z", 0, -1, withscores=True) == [("low", 1.0), ("high", 2.0)]
    assert cache.zpopmax("z") == ("high", 2.0)
    assert cache.hset("h", "field", {"a": 1}) == 1
    assert cache.hkeys("h") == ["field"]
    with pytest.raises(ValueError, match="signed"):
        cache.sscan("a", match="x*")


def test_expiry_methods_of_django_redis_work(cache: Any) -> None:
    """ttl, expire, persist and their kin answer as django-redis does."""
    cache.set("key", "value", 100)
    assert 90 < cache.ttl("key") <= 100
    assert cache.expire("key", 50) is True
    assert cache.ttl("key") <= 50
    assert cache.persist("key") is True
    assert cache.ttl("key") is None
    assert cache.ttl("missing") == 0


def test_mistakes_raise_and_leave_the_breaker_closed(cache: Any) -> None:
    """What the caller did wrong is not taken for a sick server."""
    cache.set("string", "value")
    with pytest.raises(TypeError):
        cache.sadd("string", 1)
    with pytest.raises(TypeError):
        cache.incr("string")
    with pytest.raises(ValueError, match="out of range"):
        cache.set("key", "value", 10**18)
    with pytest.raises(pickle.PickleError):
        cache.set("key", Unpicklable())
    assert not cache.client.breaker.is_open


def test_lock_is_held_by_one_and_ends_by_itself(cache: Any) -> None:
    """A lock has an end unless told otherwise, so that a holder that dies does not lock for ever."""
    with cache.lock("job") as lock:
        assert lock.owned()
        assert lock.locked()
        assert 0 < cache.ttl("job") <= cache.default_timeout
        assert cache.lock("job", blocking=False).acquire() is False
        assert lock.extend(10)
        assert lock.reacquire()
    assert cache.lock("job", timeout=None, blocking=False).acquire() is True
    assert cache.ttl("job") is None


def test_waiting_for_a_lock_does_not_open_the_breaker(cache: Any, settings: Any) -> None:
    """A wait is not a slow answer."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "SLOW_RUN": 1}
    assert cache.lock("job").acquire()
    assert cache.lock("job", sleep=0.1, blocking_timeout=0.3).acquire() is False
    assert not cache.client.breaker.is_open


def test_releasing_a_lost_lock_raises(cache: Any) -> None:
    """Whoever lost the lock must learn it, and the server is not to blame."""
    lock = cache.lock("job")
    assert lock.acquire()
    cache.delete("job")
    with pytest.raises(ValueError, match="no longer owned"):
        lock.release()
    assert not cache.client.breaker.is_open


def test_no_method_of_django_redis_is_left_unguarded() -> None:
    """Each public method of django-redis's backend is replaced, so that none lets an error of Redis through."""
    theirs = {name for name, value in vars(django_redis.cache.RedisCache).items() if callable(value) and name[0] != "_"}
    assert theirs - vars(RedisCache).keys() == {"close"}


def test_end_of_a_request_closes_nothing_that_is_needed(cache: Any) -> None:
    """Django closes its caches after each request; the pool outlives that."""
    cache.set("key", "value")
    close_caches()
    assert cache.get("key") == "value"


async def _async_answers(cache: Any) -> list[Any]:
    await cache.aset("key", {"a": 1})
    return [
        await cache.aget("key"),
        await cache.aadd("key", 1),
        await cache.aset_many({"x": 1, "y": 2}),
        await cache.aget_many(["x", "y", "z"]),
        await cache.aincr("x", 4),
        await cache.atouch("x", 10),
        await cache.ahas_key("x"),
        await cache.aget_or_set("new", "made"),
        await cache.aincr_version("y"),
        await cache.adelete("x"),
        await cache.adelete_many(["new"]),
        await cache.aclear(),
        await cache.aget("key"),
    ]


def test_async_methods_go_through_the_same_ones(cache: Any) -> None:
    """BaseCache's a-methods answer as their plain counterparts do."""
    assert async_to_sync(_async_answers)(cache) == [
        {"a": 1}, False, [], {"x": 1, "y": 2}, 5, True, True, "made", 2, True, None, None, None,
    ]  # fmt: skip
