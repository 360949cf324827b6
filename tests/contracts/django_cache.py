"""CACHES settings for a test's server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import redis
from django.core.cache import caches
from django.test import override_settings

from cache_platform.stores.connection import get_breaker
from tests.services.waiting import wait_until

BACKEND = "cache_platform.backend.RedisCache"
OPTIONS = {"SOCKET_TIMEOUT": 0.25, "SOCKET_CONNECT_TIMEOUT": 0.25, "MAX_CONNECTIONS": 8, "HEALTH_CHECK_INTERVAL": 30}


def cache_settings(url: str, **params: Any) -> dict[str, Any]:
    """One entry of CACHES, as config/settings.py makes it."""
    return {"BACKEND": BACKEND, "LOCATION": url, "KEY_PREFIX": "site", "OPTIONS": OPTIONS, **params}


@contextlib.contextmanager
def caches_on(url: str, **aliases: dict[str, Any]) -> Iterator[Any]:
    """CACHES["default"] on the server at `url`, and other aliases with other params; gives the default cache."""
    settings = {alias: cache_settings(url, **params) for alias, params in {"default": {}, **aliases}.items()}
    with override_settings(CACHES=settings):
        if get_breaker("default").is_open:  # an earlier test with the same server opened it
            close_breaker()
        try:
            yield caches["default"]
        finally:
            for alias in settings:
                backend: Any = caches[alias]
                backend.client.get_client().connection_pool.disconnect()


def stored(raw: redis.Redis) -> list[bytes]:
    """All keys of the server, sorted, but for the two that a new connection leaves there."""
    return sorted(set(raw.keys()) - {b"cp:epoch", b"cp:identity"})


def close_breaker() -> None:
    """Have the breaker of CACHES["default"] closed, however long the server takes to answer again."""
    wait_until(get_breaker("default").try_to_close, what="the breaker closes")
