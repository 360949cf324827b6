"""One call of a loader: charged to a budget, timed, encoded, and stored when it may be."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from cache_platform import entries, inputs, keys, recents
from cache_platform.changes import changes
from cache_platform.conf import conf
from cache_platform.entries import Entry, Times
from cache_platform.exceptions import (
    BudgetExceeded,
    LoadShed,
    PolicyError,
    SourceBackoff,
    SourceError,
    SourceRateLimited,
    SourceUnavailable,
    StoreUnavailable,
)
from cache_platform.load_times import load_time_counter
from cache_platform.policies import CachePolicy
from cache_platform.statistics import counters
from cache_platform.stores import get_memory, get_state_store
from cache_platform.stores.base import (
    LONGEST_BACKOFF_MS,
    UNSTORABLE_MS,
    Fill,
    Found,
    Lease,
    Log,
    Store,
    Stored,
    new_token,
)
from cache_platform.stores.memory import wall_clock_ms

if TYPE_CHECKING:
    from cache_platform.reading import Reading

logger = logging.getLogger(__name__)
T = TypeVar("T")


UNSTORED = "unstored"
"""The signature of an entry that was made without generations: no reader's equals it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load brought, whether it is stored, and whether it was shared with another reader."""

    entry: Entry
    stored: bool
    now: int
    """The store's time when it was there."""
    shared: bool = False
    tainted: bool = False
    """True when it was made of something old; who shares it may store nothing made of it either."""
    own: bool = True
    """False for what another process's load left in the store."""
    checked: bool = False
    """True when it was valid by a lookup that its reader made itself."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a load made, before anything is stored."""

    load: Load
    entry: Entry
    tainted: bool


def keep(store: Store | None, made: Sequence[Made]) -> list[Loaded]:
    """Store of it what may be stored, in one round trip, and say what became of each."""
    fills = {n: fill for n, it in enumerate(made) if (fill := it.load.fill_of(it.entry, tainted=it.tainted))}
    stored: dict[int, Stored] = {}
    if store is not None and fills:
        with suppress(StoreUnavailable):
            stored = dict(zip(fills, store.fill(list(fills.values())), strict=True))
    return [it.load.settled(it.entry, stored.get(n), tainted=it.tainted) for n, it in enumerate(made)]


class SoloLoads:
    """How many readers may load by themselves, after they waited in vain for others."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start anew, after a fork."""
        self._lock = threading.Lock()
        self._running = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Room for one load. Raises LoadShed when there is none."""
        with self._lock:
            if self._running >= conf.solo_loads:
                raise LoadShed("too many loads run at once", retry_after=1)
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1


class Load:
    """A load for one reading. `found` is what the store said before it began; without it nothing is stored.

    `run` does all of it; batches call the parts, so that many values cost one load, or at least one round trip.
    """

    def __init__(self, reading: Reading[Any], store: Store | None, found: Found | None, *, leased: bool = True) -> None:
        self._reading = reading
        self._policy = reading.policy
        self._store = store
        self._found = found
        self._leased = leased
        self._began = time.monotonic()

    def run(self) -> Loaded:
        """Make and keep. Raises what `make` raises."""
        return keep(self._store, [self.make()])[0]

    def make(self) -> Made:
        """Load, and store nothing yet. Raises BudgetExceeded, what the loader raises, and PolicyError for a value that
        does not fit; the lease is given back then."""
        self.charge()
        with inputs.observed() as observed:
            try:
                value, milliseconds = timed(self._reading.load)
                entry = self.entry_of(value)
            except StoreUnavailable as error:
                failure = SourceUnavailable(self._policy.name, "its loader needs a store that is away")
                self.failed(failure)
                raise failure from error
            except BaseException as error:
                self.failed(error)
                raise
        count_load(self._policy, milliseconds)
        self.brought(entry, milliseconds)
        return Made(self, entry, observed.tainted)

    def charge(self) -> None:
        """Charge one load to the policy's budgets. Raises BudgetExceeded."""
        caller = self._reading.caller
        logs = [
            Log(
                key=keys.budget_key(self._policy.name, budget.window, "*" if budget.per == "policy" else caller or ""),
                limit=budget.limit,
                window_ms=int(budget.window * 1000),
            )
            for budget in self._policy.budgets
            if budget.per == "policy" or caller is not None
        ]
        if not logs:
            return
        try:
            # The store that all processes share, also when this load's value will not be kept in it.
            wait = get_state_store().take(logs, new_token()).wait
        except StoreUnavailable:
            share = [replace(log, limit=max(1, log.limit // conf.web_processes)) for log in logs]
            wait = get_memory().take(share, new_token()).wait
        if wait > 0:
            self.give_back(Lease.NONE)
            raise BudgetExceeded("too many different things were asked for; try again later", retry_after=wait)

    def failed(self, error: BaseException, *, counted: bool = True) -> None:
        """The loader raised `error`, or gave what does not fit: keep others from asking again at once."""
        if not isinstance(error, Exception):
            self.give_back(Lease.NONE)  # this thread is being stopped; the source may be well
            return
        if counted and isinstance(error, SourceBackoff):
            counters.add(self._policy.name, {"left_alone": 1})  # nobody was asked
        elif counted:
            counters.add(self._policy.name, {"load_errors": 1})
            self._note(error)
        failures = (self._found.failures if self._found else 0) + 1
        pause = min(self._policy.backoff * 2 ** min(failures - 1, 30), self._policy.longest_backoff)
        if counted:
            self._log(error)
        if isinstance(error, SourceError) and error.retry_after:
            pause = min(max(pause, error.retry_after), LONGEST_BACKOFF_MS / 1000)
        elif isinstance(error, SourceRateLimited):
            pause = self._policy.longest_backoff
        self.give_back(Lease.BACKOFF, pause_ms=int(pause * 1000), failures=failures)

    def brought(self, entry: Entry, milliseconds: float) -> None:
        """Note what a call of the loader brought."""
        self._note(len(entry.body), milliseconds)
        counters.add(self._policy.name, changes.counted(self._reading.address.key, entry))

    def _note(self, outcome: int | Exception, milliseconds: float | None = None) -> None:
        """Among the newest loads of the policy; without a time, what has passed since this one began."""
        passed = (time.monotonic() - self._began) * 1000 if milliseconds is None else milliseconds
        recents.note(self._policy, self._reading.address.key, passed, outcome)

    def _log(self, error: Exception) -> None:
        if isinstance(error, SourceError):
            logger.warning("%s: %s", self._policy.name, error)
        else:
            logger.error("%s: the loader failed", self._policy.name, exc_info=error)

    def entry_of(self, value: object) -> Entry:
        """The value as an entry. Raises PolicyError when it is not what the schema says."""
        try:
            codec, body = entries.encode(value, compress_min_bytes=conf.compress_min_bytes)
            entry = Entry(self._found.signature if self._found else UNSTORED, self._times(value), codec, body)
            entries.decode(self._policy, entry)
        except Exception as error:  # too deep, too large a number, a lone surrogate: whatever it is, it cannot be kept
            raise PolicyError(f"{self._policy.name}: the loader's value does not fit the schema: {error}") from error
        return entry

    def _times(self, value: object) -> Times:
        policy = self._policy
        loaded = self._found.now if self._found else wall_clock_ms()
        if value is None:
            ttl = min(policy.negative_ttl, policy.effective_ttl)
            return Times.starting(loaded, ttl=ttl, stale_for=0, refresh_ahead=0)
        left = self._left(value)
        ttl = min(policy.effective_ttl, left)
        stale_for = min(policy.stale_for, left - ttl)
        return Times.starting(loaded, ttl=ttl, stale_for=stale_for, refresh_ahead=policy.refresh_ahead)

    def _left(self, value: object) -> float:
        """Seconds to what the policy's `until` says, at least 0; infinite without it. By this process's clock, which is
        the one that the value was made by; as a length it holds by the store's clock too, however far off that is."""
        if self._policy.until is None:
            return math.inf
        until = self._policy.until(value)
        if math.isnan(until):
            raise ValueError("until gave no time")
        return max(until - wall_clock_ms() / 1000, 0)

    def fill_of(self, entry: Entry, *, tainted: bool) -> Fill | None:
        """What to store; None when nothing may be stored, and then the lease is given back with the reason."""
        if self._found is None or self._found.held or not self._reading.still_keepable():
            return None
        times = entry.times
        if times.fresh_until <= times.loaded:
            self.give_back(Lease.NONE)
            return None
        if tainted or len(entry.body) > conf.max_entry_bytes:
            if not tainted:
                logger.warning("%s: %d bytes are too many to store", self._reading.address.key, len(entry.body))
            self.give_back(Lease.UNSTORABLE, pause_ms=UNSTORABLE_MS)
            return None
        return self._reading.fill_of(entry, keep_ms=times.kept_until - times.loaded)

    def settled(self, entry: Entry, outcome: Stored | None, *, tainted: bool = False) -> Loaded:
        """What became of the load, given what became of its fill (None without one)."""
        now = entry.times.loaded + round((time.monotonic() - self._began) * 1000)
        if outcome is Stored.FULL:
            self.give_back(Lease.UNSTORABLE, pause_ms=UNSTORABLE_MS)
        if outcome is Stored.STORED:
            counters.add(self._policy.name, {"stored": 1, "bytes_stored": len(entry.body)})
        if outcome not in {None, Stored.SUPERSEDED} and self._store is not None:
            self._reading.remember(self._store, entry, now)
        return Loaded(entry, stored=outcome in {Stored.STORED, Stored.NEWER}, now=now, tainted=tainted)

    def give_back(self, verdict: Lease, *, pause_ms: int = 0, failures: int = 0) -> None:
        """Let the lease go, saying why there is no entry; see Store.release."""
        if self._store is None or not self._leased:
            return
        reading = self._reading
        try:
            self._store.release(reading.address, reading.token, verdict, pause_ms=pause_ms, failures=failures)
        except StoreUnavailable:
            logger.info("%s: the lease ends by itself, the store is away", self._policy.name)


def timed(load: Callable[[], T]) -> tuple[T, float]:
    """What `load` returns, and its milliseconds."""
    started = time.monotonic()
    value = load()
    return value, (time.monotonic() - started) * 1000


def count_load(policy: CachePolicy[Any], milliseconds: float) -> None:
    """Add a call of the loader to the policy's statistics that took so long, and brought what fits the schema."""
    counters.add(policy.name, {"loads": 1, "load_us": round(milliseconds * 1000), load_time_counter(milliseconds): 1})
