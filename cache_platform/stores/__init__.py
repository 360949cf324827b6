"""Where entries, generations and counters are kept; the only package that knows Redis."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from cache_platform.conf import conf
from cache_platform.stores.base import Store
from cache_platform.stores.local import LocalCopies
from cache_platform.stores.memory import MemoryStore
from cache_platform.stores.pending import pending
from cache_platform.stores.redis import RedisStore

_lock = threading.Lock()
_memory: MemoryStore | None = None
_redis: dict[str, RedisStore] = {}
local_copies = LocalCopies()


def get_memory() -> MemoryStore:
    """This process's memory: the store where there is no Redis, and the fallback of relaxed policies beside it."""
    global _memory  # one per process, made when first needed
    with _lock:
        if _memory is None:
            _memory = MemoryStore(max_bytes=conf.memory_max_bytes)
        return _memory


def get_store() -> Store:
    """The store that the settings name."""
    if conf.store == "memory":
        return get_memory()
    return _at(conf.alias)


def get_state_store() -> Store:
    """The store of what must not be evicted, limits: the same one, unless STATE_ALIAS names another server."""
    return get_memory() if conf.store == "memory" else _at(conf.state_alias)


def _at(alias: str) -> RedisStore:
    store = _redis.get(alias)
    return store if store is not None else _redis.setdefault(alias, RedisStore(alias))


def forget_locally(tag_keys: Sequence[str]) -> None:
    """Drop what this process keeps of the store's entries under these tags: local copies, and copies for outages."""
    if get_store() is not get_memory():
        get_memory().bump(tag_keys)
    local_copies.drop(tag_keys)


def drain_before_closing() -> None:
    """Have the outbox drained before this process's breaker closes."""
    store = get_store()
    if isinstance(store, RedisStore):
        store.drain_before_closing()


def keep_until_lookup(tag_keys: Sequence[str]) -> None:
    """Have this process bump tags before it reads from Redis again: the last resort, when not even the outbox can be
    written."""
    if isinstance(get_store(), RedisStore):
        pending.add(tag_keys)


def reset_process() -> None:
    """Forget what this process holds in memory; for forked children and for tests."""
    global _lock, _memory  # a fork may have copied the lock in a locked state
    _lock = threading.Lock()
    _memory = None
    local_copies.reset()
    for store in _redis.values():
        store.looks.reset()


os.register_at_fork(after_in_child=reset_process)
