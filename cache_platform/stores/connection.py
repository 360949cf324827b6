"""The connection to Redis: how it is made, what its errors mean, and the breaker that guards it.

Every use of Redis in this package goes through `guarded`, so that redis-py's errors are translated in one place
and each server has one breaker per process, whoever asks.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.cache import caches
from django_redis.pool import ConnectionFactory
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, LockError, OutOfMemoryError, ReadOnlyError, RedisError, ResponseError
from redis.retry import Retry

from cache_platform.breaker import Breaker
from cache_platform.exceptions import StoreFull, StoreUnavailable
from cache_platform.stores.identity import identifying

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)
T = TypeVar("T")

CONNECT_RETRIES = 3
PROBE = "#!lua flags=allow-oom\nreturn 1"
"""Runs only where writing would be allowed, as the scripts do: a read-only server fails it, a full one does not."""
_breakers: dict[str, Breaker] = {}
_breakers_lock = threading.Lock()


def _after_fork() -> None:
    """A lock that another thread held at the fork would never be released in the child."""
    global _breakers_lock
    _breakers_lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def connection_options(options: dict[str, Any]) -> dict[str, Any]:
    """django-redis's OPTIONS with safe defaults filled in: quarter-second timeouts, at most three more attempts
    to connect with exponential back-off, and a bounded pool that makes a caller wait rather than fail.

    Only refused or dropped connections are tried again: a timeout was paid once already. Each new connection asks
    first which server it leads to.
    """
    socket_timeout = options.get("SOCKET_TIMEOUT", 0.25)
    filled = {"SOCKET_TIMEOUT": 0.25, "SOCKET_CONNECT_TIMEOUT": 0.25, **options}
    filled.setdefault("CONNECTION_POOL_CLASS", "redis.BlockingConnectionPool")
    filled.setdefault("CONNECTION_FACTORY", "cache_platform.stores.connection.PoolPerOptions")
    given = filled.get("CONNECTION_POOL_KWARGS", {})
    filled["CONNECTION_POOL_KWARGS"] = {
        "max_connections": filled.pop("MAX_CONNECTIONS", 64),
        "timeout": socket_timeout,
        "health_check_interval": filled.pop("HEALTH_CHECK_INTERVAL", 30),
        "retry": Retry(ExponentialWithJitterBackoff(base=0.005, cap=0.02), CONNECT_RETRIES, (RedisConnectionError,)),
        "driver_info": None,  # or redis-py spends two round trips on each new connection to tell its name
        **given,
        "redis_connect_func": identifying(given.get("redis_connect_func")),
    }
    return filled


class PoolPerOptions(ConnectionFactory):  # type: ignore[misc]  # django-redis has no types
    """One pool per address and options: django-redis's own factory goes by the address alone, so that a second
    alias with other timeouts would silently get the first one's."""

    _making = threading.Lock()

    def get_or_create_connection_pool(self, params: dict[str, Any]) -> Any:  # noqa: ANN401  # a redis-py pool
        """The pool for these options, made when first asked for."""
        told = {**params, **self.pool_cls_kwargs}
        key = repr(sorted((name, value) for name, value in told.items() if isinstance(value, str | int | float)))
        with self._making:
            if key not in self._pools:
                self._pools[key] = self.get_connection_pool(params)
            return self._pools[key]


def get_client(alias: str) -> Redis:
    """The redis-py client behind django-redis's cache `alias`, sharing its pool."""
    backend: Any = caches[alias]
    client: Redis = backend.client.get_client()
    return client


def get_breaker(alias: str) -> Breaker:
    """The breaker of the server behind cache `alias`; aliases with the same address share one."""
    return breaker_at(str(caches.settings[alias].get("LOCATION")), lambda: get_client(alias))


def breaker_at(location: str, client: Callable[[], Redis]) -> Breaker:
    """The breaker of the server at `location`, made when first asked for; it probes through `client`."""
    with _breakers_lock:
        if location not in _breakers:
            aliases = [name for name, cache in caches.settings.items() if str(cache.get("LOCATION")) == location]
            probed = client()  # kept, because a probe must not depend on what CACHES says later
            _breakers[location] = Breaker(f"redis[{','.join(aliases)}]", lambda: _probe(probed))
        return _breakers[location]


def _probe(client: Redis) -> None:
    # On a new connection: the idle ones may lead to a server that has become a replica. Nobody takes one of them now,
    # since the breaker is open; closing a connection that another thread is taking breaks inside redis-py.
    client.connection_pool.disconnect(inuse_connections=False)
    direct(lambda: client, lambda redis: redis.eval(PROBE, 0))


def guarded(alias: str, operation: Callable[[Redis], T], *, timed: bool = True) -> T:
    """What `operation` returns for the client of `alias`; `timed` as in Breaker.call. Raises StoreUnavailable or
    StoreFull."""
    return ask(get_breaker(alias), lambda: get_client(alias), operation, timed=timed)


def ask(breaker: Breaker, client: Callable[[], Redis], operation: Callable[[Redis], T], *, timed: bool = True) -> T:
    """What `operation` returns, asked through `breaker`. Raises StoreUnavailable or StoreFull."""
    return breaker.call(lambda: direct(client, operation), timed=timed)


def direct(client: Callable[[], Redis], operation: Callable[[Redis], T]) -> T:
    """As `ask`, whatever the breaker says; for probes and for what is done before a breaker closes."""
    with translated():
        return operation(client())


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into this package's: StoreFull for a full server, else StoreUnavailable."""
    try:
        yield
    except (DataError, LockError):
        raise  # the caller's mistake, or news about the caller's lock: the server is well
    except OutOfMemoryError as error:
        raise StoreFull(str(error)) from error
    except ReadOnlyError as error:
        raise StoreUnavailable(f"redis is read-only: {error}") from error
    except ResponseError as error:
        logger.exception("redis refused a command")
        raise StoreUnavailable(f"redis refused a command: {error}") from error
    except (RedisError, OSError) as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal of one command for its own sake into TypeError (the key holds another type) or ValueError (an
    argument is wrong). It says nothing about the server, so it must not open the breaker; use it inside `ask`."""
    try:
        yield
    except ResponseError as error:
        if "WRONGTYPE" in str(error):
            raise TypeError(str(error)) from error
        # A class of its own, or another code than ERR (MISCONF, NOREPLICAS), is about the server.
        if type(error) is ResponseError and error.status_code == "ERR":
            raise ValueError(str(error)) from error
        raise
