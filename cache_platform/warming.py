"""Filling ahead: what will be read in a moment, of several policies, in two round trips."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from django.db import transaction

from cache_platform import stores
from cache_platform.batches import landing
from cache_platform.conf import conf
from cache_platform.entries import Freshness
from cache_platform.exceptions import (
    BudgetExceeded,
    LoadRefused,
    ParameterError,
    PolicyError,
    SourceError,
    StoreUnavailable,
)
from cache_platform.loading import Load, Made, keep
from cache_platform.policies import CachePolicy
from cache_platform.reading import Reading
from cache_platform.stores.base import Lease, Store

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

logger = logging.getLogger(__name__)
T = TypeVar("T")

Outcome = Literal["stored", "unstored", "fresh", "left", "failed"]
"""`stored`: loaded and stored. `unstored`: loaded, but superseded meanwhile, too large, or the store was full or away.
`fresh`: it was there. `left`: caching is off, the store is away, somebody else loads it, its source is in back-off, a
tag is held, or this is a transaction. `failed`: its parameters, its loader or its value were wrong."""


End = tuple[Outcome, str]
"""An outcome, and why."""
WRONG: End = ("failed", "its parameters are not those of the policy")
OFF: End = ("left", "caching is turned off")
LEFT = {
    Lease.NONE: "inside a transaction",
    Lease.TAKEN: "somebody else loads it",
    Lease.BACKOFF: "its source failed a moment ago",
    Lease.UNSTORABLE: "the last load of it could not be stored",
}

UNREACHED = "; nothing answers at "
"""In a reason, before the address that could not be reached, which ends it."""


@dataclass(frozen=True, slots=True)
class Wish(Generic[T]):
    """One entry that shall be there: what get_or_load would be called with."""

    policy: CachePolicy[T]
    params: Mapping[str, Any]
    loader: Callable[..., T | None]


@dataclass(frozen=True, slots=True)
class Warmed:
    """What became of a wish; `why` is for people, of one that is `left` or `failed`, and holds no secret."""

    policy: str
    outcome: Outcome
    why: str = field(default="", compare=False)


def warm(wishes: Iterable[Wish[Any]]) -> list[Warmed]:
    """Load and store what is not there yet; what became of each wish, in their order.

    One round trip reads all, one stores all. Nothing is raised: a loader that fails keeps neither the others nor the
    caller. Nobody is waited for, nothing is counted as a hit or a miss, and no caller's budget is charged.
    """
    began = time.perf_counter()
    readings = [(wish.policy.name, _reading(wish)) for wish in wishes]
    ends = _fill({reading.address.key: reading for _, reading in readings if reading is not None and _on(reading)})
    warmed = [
        Warmed(name, *(WRONG if reading is None else ends.get(reading.address.key, OFF))) for name, reading in readings
    ]
    if warmed:
        shown = ", ".join(f"{each.policy} {each.outcome}" for each in warmed)
        logger.info("warmed %s in %.1f ms", shown, (time.perf_counter() - began) * 1000)
    return warmed


def _reading(wish: Wish[T]) -> Reading[T] | None:
    """The reading of a wish; None when its parameters are wrong."""
    try:
        return Reading(wish.policy, wish.params, partial(wish.loader, **wish.params), None)
    except Exception:  # whatever is wrong with one wish, the others are not concerned
        logger.exception("%s: what shall be warmed is not named rightly", wish.policy.name)
        return None


def _on(reading: Reading[Any]) -> bool:
    return conf.enabled and reading.policy.effective_ttl > 0


def _fill(readings: Mapping[str, Reading[Any]]) -> dict[str, End]:
    """What became of each reading, by key."""
    ends: dict[str, End] = {}
    loads: dict[str, Load] = {}
    if not readings:
        return ends
    store = stores.get_store()
    try:
        lookups = store.lookup([reading.lookup() for reading in readings.values()])
    except StoreUnavailable as error:
        return dict.fromkeys(readings, ("left", f"the store is away: {error}"))
    for (key, reading), found in zip(readings.items(), lookups, strict=True):
        reading.note_superseded(store, found)
        usable = reading.usable(store, found)
        if found.lease is Lease.WON:
            loads[key] = Load(reading, store, found)
        elif usable is not None and usable.fresh and not found.held:
            ends[key] = ("fresh", "")
        else:
            ends[key] = ("left", "a write holds one of its tags" if found.held else LEFT[found.lease])
    _lead(store, loads, ends)
    return ends


def _lead(store: Store, loads: Mapping[str, Load], ends: dict[str, End]) -> None:
    """Load what the leases were won of, and note what became of it."""
    made: dict[str, Made] = {}
    with landing(loads) as landed:
        try:
            for key, load in loads.items():
                one = _made(load, key)
                if isinstance(one, Made):
                    made[key] = one
                else:
                    ends[key] = one
            landed.update(zip(made, keep(store, list(made.values())), strict=True))
        except BaseException:  # this thread is being stopped: who comes next need not wait for its leases
            for load in loads.values():
                load.give_back(Lease.NONE)
            raise
    ends.update((key, ("stored" if loaded.stored else "unstored", "")) for key, loaded in landed.items())


def _made(load: Load, key: str) -> Made | End:
    try:
        return load.make()
    except BudgetExceeded as error:
        return "left", f"the policy's load budget is used up for {error.retry_after:.0f} s"
    except LoadRefused as error:
        return "left", error.detail
    except Exception as error:  # noqa: BLE001  # the load has logged it and left the source alone; nobody waits for it
        logger.info("%s is not warmed: %s", key, type(error).__name__)
        return "failed", reason(error)


def reason(error: Exception) -> str:
    """An error's kind, and its text where it is of this package, which writes no secret into it; with the address that
    could not be reached, if that is why."""
    kind = type(error).__name__
    text = f"{kind}: {error}"[:200] if isinstance(error, SourceError | ParameterError) else kind
    unreached = error.unreached if isinstance(error, SourceError) else ""
    return f"{text}{UNREACHED}{unreached}" if unreached else text


@dataclass(frozen=True, slots=True)
class _AtSignIn(Generic[T]):
    policy: CachePolicy[T]
    params_of: Callable[[AbstractBaseUser], Mapping[str, Any]]
    loader: Callable[..., T | None]

    def wish(self, user: AbstractBaseUser) -> Wish[T] | None:
        try:
            return Wish(self.policy, self.params_of(user), self.loader)
        except Exception:  # as for a loader: a sign-in must not fail for what it is to speed up
            logger.exception("%s cannot be warmed for a user", self.policy.name)
            return None


_at_sign_in: dict[str, _AtSignIn[Any]] = {}


def on_sign_in(
    policy: CachePolicy[T],
    params_of: Callable[[AbstractBaseUser], Mapping[str, Any]],
    loader: Callable[..., T | None],
) -> None:
    """Have `policy` warmed for each user who signs in: `params_of(user)` gives the parameters, `loader` is as for
    get_or_load. Call it where the policy is declared. Raises PolicyError when it is registered already.
    """
    wanted = _AtSignIn(policy, params_of, loader)
    if _at_sign_in.setdefault(policy.name, wanted) is not wanted:
        raise PolicyError(f"policy {policy.name!r} is warmed at sign-in already")


def warm_sign_in(user: AbstractBaseUser) -> list[Warmed]:
    """Warm what was registered for `user`, who has just signed in; see `warm`. Call it after the sign-in's COMMIT,
    since nothing is stored inside a transaction."""
    return warm([wish for each in _at_sign_in.values() if (wish := each.wish(user)) is not None])


def warm_after_sign_in(*, user: AbstractBaseUser, **_signal: Any) -> None:
    """Receiver of user_logged_in: `warm_sign_in` once the sign-in is committed."""
    transaction.on_commit(partial(warm_sign_in, user), using=user._state.db, robust=True)


@dataclass(frozen=True, slots=True)
class Warmer(Generic[T]):
    """What `cache_warm` fills of a policy: the parameters of each entry, and the loader."""

    policy: CachePolicy[T]
    params: Callable[[], Iterable[Mapping[str, Any]]]
    loader: Callable[..., T | None]

    def wishes(self) -> list[Wish[T]]:
        """One for each entry. Raises what `params` raises."""
        return [Wish(self.policy, params, self.loader) for params in self.params()]


_warmers: dict[str, Warmer[Any]] = {}


def warmer(
    policy: CachePolicy[T], params: Callable[[], Iterable[Mapping[str, Any]]], loader: Callable[..., T | None]
) -> None:
    """Have `cache_warm` fill `policy`: `params()` gives the parameters of each entry that shall be there, `loader` is
    as for get_or_load. Call it where the policy is declared. Raises PolicyError when it is registered already.
    """
    wanted = Warmer(policy, params, loader)
    if _warmers.setdefault(policy.name, wanted) is not wanted:
        raise PolicyError(f"policy {policy.name!r} has a warmer already")


def warmers() -> list[Warmer[Any]]:
    """All that are registered, by the names of their policies."""
    return [_warmers[name] for name in sorted(_warmers)]


def is_fresh(wish: Wish[Any]) -> bool:
    """Whether its entry is fresh and not due to be refreshed; nothing is loaded or counted. Raises StoreUnavailable,
    and ParameterError for wrong parameters."""
    reading = Reading(wish.policy, wish.params, partial(wish.loader, **wish.params), None)
    store = stores.get_store()
    found = store.lookup([reading.lookup(lease=False)])[0]
    usable = reading.usable(store, found)
    return usable is not None and usable.state is Freshness.FRESH and not found.held
