"""The Django cache backend for CACHES: django-redis behind the breaker.

Redis away, hung, full, read-only or loading looks to callers like a cache that holds nothing and keeps nothing; see
docs/decisions/0003-django-cache-backend.md. Mistakes in the calling code raise as with Django's own backends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeVar

import django_redis.cache
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.exceptions import ImproperlyConfigured
from django_redis.util import CacheKey

from cache_platform.conf import conf
from cache_platform.exceptions import StoreFull, StoreUnavailable, UnreadableEntry
from cache_platform.stores.connection import connection_options
from cache_platform.stores.django_client import SignedClient
from cache_platform.stores.django_lock import GuardedLock
from cache_platform.stores.missed_writes import MissedWrites, missed_writes
from cache_platform.stores.signed_pickle import rejections
from cache_platform.stores.sweeps import Sweep, keys_of_cache

T = TypeVar("T")

DEFAULT_PREFIX = "django"
AWAY = (StoreUnavailable, StoreFull)
OURS = {
    "CLIENT_CLASS": "cache_platform.stores.django_client.SignedClient",
    "SERIALIZER": "cache_platform.stores.signed_pickle.SignedPickle",
    "COMPRESSOR": "django_redis.compressors.identity.IdentityCompressor",
}


def _asks(name: str, fallback: Callable[..., Any]) -> Callable[..., Any]:
    """A method that asks django-redis's client, and answers `fallback` of the same arguments while Redis is away."""

    def method(self: RedisCache, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # as django-redis answers
        question = getattr(self.client, name)
        try:
            return self.client.ask(lambda _redis: question(*args, **kwargs))
        except AWAY:
            return fallback(*args, **kwargs)
        except UnreadableEntry as error:
            rejections.note(error)
            return fallback(*args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"See django-redis's `{name}`. While Redis is away: as for a key that does not exist."
    return method


def _no(*_args: Any, **_kwargs: Any) -> bool:
    return False


def _zero(*_args: Any, **_kwargs: Any) -> int:
    return 0


def _none(*_args: Any, **_kwargs: Any) -> None:
    return None


def _no_members(*_args: Any, **_kwargs: Any) -> set[Any]:
    return set()


def _no_items(*_args: Any, **_kwargs: Any) -> list[Any]:
    return []


def _no_member_or_members(_key: str, count: int | None = None, **_kwargs: Any) -> set[Any] | None:
    return None if count is None else set()


def _no_item_or_items(_key: str, count: int | None = None, **_kwargs: Any) -> list[Any] | None:
    return None if count is None else []


def _no_for_each(_key: str, *members: Any, **_kwargs: Any) -> list[bool]:
    return [False] * len(members)


class RedisCache(django_redis.cache.RedisCache):  # type: ignore[misc]  # django-redis has no types
    """One Redis server as a Django cache. Without a KEY_PREFIX its keys begin with `django`."""

    client: SignedClient

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        if not isinstance(server, str) or server.count("://") != 1:
            raise ImproperlyConfigured("CACHES: LOCATION must be one Redis address; replicas are never read")
        options = params.get("OPTIONS", {})
        if fixed := sorted(OURS.keys() & options.keys()):
            raise ImproperlyConfigured(f"CACHES: OPTIONS must not set {', '.join(fixed)}: values are stored signed")
        prefix = params.get("KEY_PREFIX") or DEFAULT_PREFIX
        super().__init__(server, {**params, "KEY_PREFIX": prefix, "OPTIONS": {**connection_options(options), **OURS}})
        self._own_keys = keys_of_cache(self.key_func, prefix=prefix, version=self.version, taken=f"{conf.prefix}:")

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:  # noqa: ANN401
        """The value; `default` when it is missing, was not signed for this key, or Redis is away."""
        name = self._name(key, version)
        return self._answer(lambda: self.client.get(name, default), default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        """Those that are there."""
        names = {self._name(key, version): key for key in keys}
        found: dict[str, Any] = self._answer(lambda: self.client.get_many(names), {})
        return {names[CacheKey(name)]: value for name, value in found.items()}

    def set(
        self,
        key: str,
        value: Any,  # noqa: ANN401
        timeout: Any = DEFAULT_TIMEOUT,  # noqa: ANN401
        version: int | None = None,
        nx: bool = False,
        xx: bool = False,
    ) -> bool:
        """True when it was stored. When it was not, the older value is not served later either."""
        name = self._name(key, version)
        try:
            return self.client.set(name, value, timeout, nx=nx, xx=xx)
        except StoreFull:
            return False
        except StoreUnavailable:
            if not nx:
                self._remember([name])
            return False

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:  # noqa: ANN401
        """True when it was stored; False when the key exists, or Redis is away."""
        return self.set(key, value, timeout, version=version, nx=True)

    def set_many(
        self,
        data: Mapping[str, Any],
        timeout: Any = DEFAULT_TIMEOUT,  # noqa: ANN401
        version: int | None = None,
    ) -> list[str]:
        """The keys that were not stored."""
        names = {self._name(key, version): key for key in data}
        if not names:
            return []
        try:
            refused = self.client.set_many({name: data[key] for name, key in names.items()}, timeout)
        except AWAY:
            self._remember(names)
            return list(names.values())
        return [names[CacheKey(name)] for name in refused]

    def delete(self, key: str, version: int | None = None) -> bool:
        """True when there was such a key; False when not, or Redis is away: then it goes before Redis is read again."""
        name = self._name(key, version)
        try:
            return self.client.delete(name)
        except StoreUnavailable:
            self._remember([name])
            return False

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> None:
        """See `delete`."""
        names = [self._name(key, version) for key in keys]
        try:
            self.client.delete_many(names)
        except StoreUnavailable:
            self._remember(names)

    def clear(self) -> None:
        """Remove all keys of this cache's KEY_PREFIX, of every version that is a number, and no others."""
        try:
            self.client.sweep(self._own_keys, self.client.ask)
        except StoreUnavailable:
            self._remember_all(self._own_keys)

    def has_key(self, key: str, version: int | None = None) -> bool:
        """True when there is such a key."""
        name = self._name(key, version)
        return self._answer(lambda: self.client.has_key(name), False)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:  # noqa: ANN401
        """True when the key exists and now ends after `timeout` seconds."""
        name = self._name(key, version)
        return self._answer(lambda: self.client.touch(name, timeout), False)

    def incr(self, key: str, delta: int = 1, version: int | None = None, ignore_key_check: bool = False) -> Any:  # noqa: ANN401
        """The new value. Raises ValueError when there is none, which is also so while Redis is away."""
        name = self._name(key, version)
        try:
            return self.client.incr(name, delta, ignore_key_check=ignore_key_check)
        except AWAY as error:
            raise ValueError(f"Key {key!r} not found") from error

    def decr(self, key: str, delta: int = 1, version: int | None = None) -> Any:  # noqa: ANN401
        """See `incr`."""
        return self.incr(key, -delta, version=version)

    def incr_version(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """The new version. Raises ValueError when there is no value, which is also so while Redis is away."""
        self._name(key, version)
        try:
            return self.client.incr_version(key, delta, version)
        except AWAY as error:
            raise ValueError(f"Key {key!r} not found") from error

    def keys(self, search: str, version: int | None = None) -> list[str]:
        """The keys that match a glob; see `iter_keys`."""
        return list(dict.fromkeys(self.iter_keys(search, version=version)))

    def iter_keys(self, search: str, itersize: int | None = None, version: int | None = None) -> Iterator[str]:
        """The keys that match a glob, without prefix and version; ends early when Redis goes away."""
        return _until_away(self.client.iter_keys(search, itersize, version))

    def delete_pattern(
        self, pattern: str, version: int | None = None, prefix: str | None = None, itersize: int | None = None
    ) -> int:
        """How many keys matched the glob and were removed; while Redis is away they go before it is read again."""
        sweep = Sweep(self.client.make_pattern(pattern, version, prefix))
        try:
            return self.client.sweep(sweep, self.client.ask, itersize=itersize)
        except StoreUnavailable:
            self._remember_all(sweep)
            return 0

    def sscan_iter(
        self, key: str, match: str | None = None, count: int | None = 10, version: int | None = None
    ) -> Iterator[Any]:
        """The members of a set; ends early when Redis goes away."""
        return _until_away(self.client.sscan_iter(key, match, count, version))

    def lock(self, key: str, *args: Any, **kwargs: Any) -> GuardedLock:
        """A lock; see SignedClient.lock. While Redis is away nobody gets it."""
        return self.client.lock(key, *args, **kwargs)

    ttl = _asks("ttl", _zero)
    pttl = _asks("pttl", _zero)
    persist = _asks("persist", _no)
    expire = _asks("expire", _no)
    expire_at = _asks("expire_at", _no)
    pexpire = _asks("pexpire", _no)
    pexpire_at = _asks("pexpire_at", _no)
    sadd = _asks("sadd", _zero)
    scard = _asks("scard", _zero)
    sdiff = _asks("sdiff", _no_members)
    sdiffstore = _asks("sdiffstore", _zero)
    sinter = _asks("sinter", _no_members)
    sinterstore = _asks("sinterstore", _zero)
    sismember = _asks("sismember", _no)
    smembers = _asks("smembers", _no_members)
    smismember = _asks("smismember", _no_for_each)
    smove = _asks("smove", _no)
    spop = _asks("spop", _no_member_or_members)
    srandmember = _asks("srandmember", _no_item_or_items)
    srem = _asks("srem", _zero)
    sscan = _asks("sscan", _no_members)
    sunion = _asks("sunion", _no_members)
    sunionstore = _asks("sunionstore", _zero)
    hset = _asks("hset", _zero)
    hdel = _asks("hdel", _zero)
    hlen = _asks("hlen", _zero)
    hkeys = _asks("hkeys", _no_items)
    hexists = _asks("hexists", _no)
    zadd = _asks("zadd", _zero)
    zcard = _asks("zcard", _zero)
    zcount = _asks("zcount", _zero)
    zincrby = _asks("zincrby", _none)
    zpopmax = _asks("zpopmax", _no_item_or_items)
    zpopmin = _asks("zpopmin", _no_item_or_items)
    zrange = _asks("zrange", _no_items)
    zrangebyscore = _asks("zrangebyscore", _no_items)
    zrank = _asks("zrank", _none)
    zrem = _asks("zrem", _zero)
    zremrangebyscore = _asks("zremrangebyscore", _zero)
    zrevrange = _asks("zrevrange", _no_items)
    zrevrangebyscore = _asks("zrevrangebyscore", _no_items)
    zscore = _asks("zscore", _none)

    def _name(self, key: str, version: int | None) -> CacheKey:
        return CacheKey(self.make_and_validate_key(key, version=version))

    def _answer(self, question: Callable[[], T], fallback: T) -> T:
        try:
            return question()
        except AWAY:
            return fallback

    @cached_property
    def _missed(self) -> MissedWrites:
        client = self.client
        return missed_writes(
            client.breaker,
            remove=lambda names: client.unlink(names, client.ask_directly),
            sweep=lambda sweep: client.sweep(sweep, client.ask_directly),
        )

    def _remember(self, names: Iterable[str]) -> None:
        self._missed.note(names, all_of_them=self._own_keys)
        self._drain_if_too_late()

    def _remember_all(self, sweep: Sweep) -> None:
        self._missed.note_all(sweep)
        self._drain_if_too_late()

    def _drain_if_too_late(self) -> None:
        """The breaker may have closed between the failure and its being remembered."""
        if not self.client.breaker.is_open:
            self._answer(self._missed.drain, None)


def _until_away(items: Iterator[T]) -> Iterator[T]:
    try:
        yield from items
    except AWAY:
        return
    except UnreadableEntry as error:
        rejections.note(error)
