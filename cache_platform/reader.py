"""The one read path, for callers: `get_or_load`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cache_platform import access_log, inputs
from cache_platform.policies import CachePolicy
from cache_platform.reading import Reading
from cache_platform.reads import Read
from cache_platform.statistics import counters

T = TypeVar("T")


def get_or_load(policy: CachePolicy[T], params: Mapping[str, Any], loader: Callable[..., T | None]) -> T | None:
    """The value for `params`: from the cache, or from `loader(**params)`, which is called at most once at a time
    however many readers ask, in this process and in all others. None means "not found".

    Raises ParameterError, what the loader raises when there is nothing stale to serve, and LoadRefused.
    """
    return read(policy, params, loader).value


def read(
    policy: CachePolicy[T], params: Mapping[str, Any], loader: Callable[..., T | None], *, caller: str | None = None
) -> Read[T]:
    """As get_or_load, with where the value came from. `caller` is whose load budget a miss is charged to."""
    began = access_log.started()
    reading = Reading(policy, params, lambda: loader(**params), caller)
    outcome: Read[T] | None = None
    try:
        outcome = reading.run()
    finally:
        counters.add(policy.name, counted(outcome))
        access_log.note(policy.name, reading.address.key, outcome, began)
    inputs.note(outcome, relaxed=policy.relaxed)
    return outcome


def counted(outcome: Read[Any] | None) -> dict[str, int]:
    """The counters that one read adds to; None for one that failed."""
    if outcome is None:
        return {"misses": 1}
    if outcome.cached:
        return {"hits": 1, **({f"{outcome.source}_hits": 1} if outcome.source != "hit" else {})}
    return {"misses": 1, **({"collapsed": 1} if outcome.source == "wait" else {})}
