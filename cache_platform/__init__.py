"""Declare once what is cached; get reads that are fast, never old after a write, and alive when Redis is not.

The names below are the app's public interface. They load when first used, because Django imports this package
before its settings and apps are ready.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cache_platform.batches import get_many_or_load, read_many
    from cache_platform.exceptions import (
        BudgetExceeded,
        CachePlatformError,
        InvalidQuery,
        LoadRefused,
        LoadShed,
        LockLost,
        LockNotAcquired,
        ParameterError,
        PolicyError,
        SourceBackoff,
        SourceError,
        SourceMalformed,
        SourceRateLimited,
        SourceRefused,
        SourceTimeout,
        SourceUnavailable,
        StoreUnavailable,
        UnknownPolicy,
    )
    from cache_platform.generations import (
        flush_all,
        flush_pattern,
        flush_policy,
        invalidate,
        invalidate_user,
        peek,
        put,
    )
    from cache_platform.invalidation import tags_of
    from cache_platform.locks import DistributedLock
    from cache_platform.policies import Budget, CachePolicy, register
    from cache_platform.presets import Preset, preset
    from cache_platform.ratelimits import Decision, Limit, RateLimiter
    from cache_platform.reader import get_or_load, read
    from cache_platform.reads import Read

_HOMES = {
    "batches": ("get_many_or_load", "read_many"),
    "exceptions": (
        "BudgetExceeded", "CachePlatformError", "InvalidQuery", "LoadRefused", "LoadShed", "LockLost",
        "LockNotAcquired", "ParameterError", "PolicyError", "SourceBackoff", "SourceError", "SourceMalformed",
        "SourceRateLimited", "SourceRefused", "SourceTimeout", "SourceUnavailable", "StoreUnavailable",
        "UnknownPolicy",
    ),
    "generations": (
        "flush_all", "flush_pattern", "flush_policy", "invalidate", "invalidate_user", "peek", "put",
    ),
    "invalidation": ("tags_of",),
    "locks": ("DistributedLock",),
    "policies": ("Budget", "CachePolicy", "register"),
    "presets": ("Preset", "preset"),
    "ratelimits": ("Decision", "Limit", "RateLimiter"),
    "reader": ("get_or_load", "read"),
    "reads": ("Read",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Budget",
    "BudgetExceeded",
    "CachePlatformError",
    "CachePolicy",
    "Decision",
    "DistributedLock",
    "InvalidQuery",
    "Limit",
    "LoadRefused",
    "LoadShed",
    "LockLost",
    "LockNotAcquired",
    "ParameterError",
    "PolicyError",
    "Preset",
    "RateLimiter",
    "Read",
    "SourceBackoff",
    "SourceError",
    "SourceMalformed",
    "SourceRateLimited",
    "SourceRefused",
    "SourceTimeout",
    "SourceUnavailable",
    "StoreUnavailable",
    "UnknownPolicy",
    "flush_all",
    "flush_pattern",
    "flush_policy",
    "get_many_or_load",
    "get_or_load",
    "invalidate",
    "invalidate_user",
    "peek",
    "preset",
    "put",
    "read",
    "read_many",
    "register",
    "tags_of",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  # any public name
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
