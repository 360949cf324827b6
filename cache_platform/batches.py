"""Many entries of one policy at once: one round trip reads them, one load fills what is missing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from cache_platform import access_log, inputs
from cache_platform.background import background
from cache_platform.conf import conf
from cache_platform.entries import Entry, Freshness
from cache_platform.exceptions import BudgetExceeded, LoadRefused, PolicyError, SourceUnavailable, StoreUnavailable
from cache_platform.loading import Load, Loaded, Made, count_load, keep, timed
from cache_platform.policies import CachePolicy
from cache_platform.reader import counted
from cache_platform.reading import Reading, Usable, flights
from cache_platform.reads import Read, Source
from cache_platform.statistics import counters
from cache_platform.stores import get_memory, get_store
from cache_platform.stores.base import Found, Lease, Store

logger = logging.getLogger(__name__)
T = TypeVar("T")
LoadMany = Callable[[list[dict[str, Any]]], Sequence[T | None]]


def get_many_or_load(
    policy: CachePolicy[T], params_list: Sequence[Mapping[str, Any]], load_many: LoadMany[T]
) -> list[T | None]:
    """The value for each of `params_list`, in its order. `load_many` gets the list of those that are missing and
    returns their values in the same order, None for "not found". Raises what get_or_load raises.
    """
    return [outcome.value for outcome in read_many(policy, params_list, load_many)]


def read_many(
    policy: CachePolicy[T],
    params_list: Sequence[Mapping[str, Any]],
    load_many: LoadMany[T],
    *,
    caller: str | None = None,
) -> list[Read[T]]:
    """As get_many_or_load, with where each value came from. A batch is charged to a budget as one load."""
    began = access_log.started()
    batch = _Batch(policy, params_list, load_many, caller)
    try:
        batch.run()
    finally:
        outcomes = [batch.outcomes.get(key) for key in batch.keys]
        for outcome in outcomes:
            counters.add(policy.name, counted(outcome))
        access_log.note_batch(policy.name, outcomes, began)
    found = [batch.outcomes[key] for key in batch.keys]
    for outcome in found:
        inputs.note(outcome, relaxed=policy.relaxed)
    return found


@contextmanager
def landing(keys: Iterable[str]) -> Iterator[dict[str, Loaded]]:
    """Have others of this process wait for the loads of `keys`. Put what they brought into the dictionary; for the
    rest, those who waited help themselves."""
    under_way = {key: flights.begin(key) for key in keys}
    landed: dict[str, Loaded] = {}
    try:
        yield landed
    finally:
        for key, flight in under_way.items():
            flights.end(key, flight)
            flight.land(landed.get(key))


class _Batch:
    """The readings of a batch, each once, and their outcomes by key."""

    def __init__(
        self,
        policy: CachePolicy[Any],
        params_list: Sequence[Mapping[str, Any]],
        load_many: LoadMany[Any],
        caller: str | None,
    ) -> None:
        self._policy = policy
        self._load_many = load_many
        self._params: dict[str, dict[str, Any]] = {}
        self._readings: dict[str, Reading[Any]] = {}
        self.keys: list[str] = []
        self.outcomes: dict[str, Read[Any]] = {}
        for params in params_list:
            reading = Reading(policy, params, self._one(dict(params)), caller)
            self.keys.append(reading.address.key)
            self._readings.setdefault(reading.address.key, reading)
            self._params.setdefault(reading.address.key, dict(params))

    def _one(self, params: dict[str, Any]) -> Callable[[], Any]:
        return lambda: self._values([params])[0]

    def _values(self, wanted: list[dict[str, Any]]) -> Sequence[Any]:
        values = self._load_many(wanted)
        if len(values) != len(wanted):
            raise PolicyError(f"{self._policy.name}: load_many gave {len(values)} values for {len(wanted)} parameters")
        return values

    def run(self) -> None:
        """Fill `outcomes`: hits, then this batch's own loads, then what others are loading."""
        if not conf.enabled or self._policy.effective_ttl == 0:
            self._load_unstored(self._readings, "off")
            return
        changed = {key: reading for key, reading in self._readings.items() if reading.changed_here}
        self._load_unstored(changed, "transaction")
        rest = {}
        for key, reading in self._readings.items():
            if key in changed:
                continue
            local = reading.from_local()
            if local is not None:
                self.outcomes[key] = local
            else:
                rest[key] = reading
        try:
            left = self._from_store(get_store(), rest)
        except StoreUnavailable:
            left = {key: reading for key, reading in rest.items() if key not in self.outcomes}
            if not self._policy.relaxed:
                self._load_unstored(left, "no-store")
                return
            left = self._from_store(get_memory(), left, "memory")
        for key, reading in left.items():
            self.outcomes[key] = reading.run()

    def _load_unstored(self, rest: Mapping[str, Reading[Any]], detail: str) -> None:
        """One load for all that no store can answer, or whose value may not be stored."""
        if not rest:
            return
        loads = {key: Load(reading, None, None) for key, reading in rest.items()}
        first = next(iter(loads.values()))
        first.charge()
        try:
            brought = self._brought(loads)
        except BaseException as error:
            first.failed(error)
            raise
        for key, entry in brought.items():
            loaded = loads[key].settled(entry, None)
            self._note(key, loaded, "bypass", forward="bypass", detail=detail)

    def _brought(self, loads: Mapping[str, Load]) -> dict[str, Entry]:
        """What one call of load_many brought, all of which has to fit the schema. A store that its loader misses is the
        loader's failure, not this read's."""
        try:
            values, milliseconds = timed(lambda: self._values([self._params[key] for key in loads]))
        except StoreUnavailable as error:
            raise SourceUnavailable(self._policy.name, "its loader needs a store that is away") from error
        brought = {key: load.entry_of(value) for (key, load), value in zip(loads.items(), values, strict=True)}
        count_load(self._policy, milliseconds)
        for key, entry in brought.items():
            loads[key].brought(entry, milliseconds)
        return brought

    def _note(self, key: str, loaded: Loaded, source: Source, **more: Any) -> None:  # Read's fields
        reading = self._readings[key]
        self.outcomes[key] = reading.outcome(
            loaded.entry, reading.decoded(loaded.entry), source, now=loaded.now, stored=loaded.stored, **more
        )

    def _from_store(self, store: Store, rest: Mapping[str, Reading[Any]], detail: str = "") -> dict[str, Reading[Any]]:
        """Answer what the store and this batch's own loads can; what others are loading is left."""
        mine: dict[str, tuple[Reading[Any], Found]] = {}
        unstored: dict[str, Reading[Any]] = {}
        left: dict[str, Reading[Any]] = {}
        lookups = store.lookup([reading.lookup() for reading in rest.values()])
        for (key, reading), found in zip(rest.items(), lookups, strict=True):
            reading.note_superseded(store, found)
            usable = reading.usable(store, found)
            servable = usable is not None and (self._policy.relaxed or not found.held)
            if usable is not None and servable and usable.fresh:
                self.outcomes[key] = reading.hit(store, found, usable, detail)
            elif found.lease is Lease.WON:
                mine[key] = (reading, found)
            elif usable is not None and servable and usable.state is Freshness.STALE:
                self.outcomes[key] = reading.stale(store, found, usable)
            elif found.held or not reading.keepable:
                unstored[key] = reading
            else:
                left[key] = reading
        self._lead_softly(store, mine)
        in_transaction = any(not reading.keepable for reading in unstored.values())
        self._load_unstored(unstored, "transaction" if in_transaction else "held")
        return left

    def _lead_softly(self, store: Store, mine: Mapping[str, tuple[Reading[Any], Found]]) -> None:
        """As `_lead`; when each of them has a stale entry, the load may take no longer than `soft_timeout`."""
        patience = self._policy.soft_timeout
        future = None
        if mine and patience and all(self._stale_of(store, *each) is not None for each in mine.values()):
            future = background.submit(lambda: self._lead(store, mine))
        if future is None:
            self._lead(store, mine)
            return
        try:
            future.result(timeout=patience)
        except TimeoutError:
            self._serve_stale(store, mine, TimeoutError("slower than soft_timeout"), "provider-slow")

    def _lead(self, store: Store, mine: Mapping[str, tuple[Reading[Any], Found]]) -> None:
        """Load and store what this batch won the leases of, and let those who wait have the values."""
        if not mine:
            return
        loads = {key: Load(reading, store, found) for key, (reading, found) in mine.items()}
        with landing(mine) as landed:
            try:
                landed.update(self._load_and_store(store, mine, loads))
            except Exception as error:  # noqa: BLE001  # whatever a loader raises, stale entries are the answer
                self._let_go(loads, error)
                budget = isinstance(error, BudgetExceeded)
                self._serve_stale(store, mine, error, "budget" if budget else "provider-error")
            except BaseException as error:
                self._let_go(loads, error)
                raise

    def _let_go(self, loads: Mapping[str, Load], error: BaseException) -> None:
        """Give all leases back; one failed call of load_many is one load error."""
        for number, load in enumerate(loads.values()):
            if isinstance(error, LoadRefused):
                load.give_back(Lease.NONE)
            else:
                load.failed(error, counted=number == 0)

    def _load_and_store(
        self, store: Store, mine: Mapping[str, tuple[Reading[Any], Found]], loads: Mapping[str, Load]
    ) -> dict[str, Loaded]:
        next(iter(loads.values())).charge()
        with inputs.observed() as observed:
            brought = self._brought(loads)
        made = [Made(loads[key], entry, observed.tainted) for key, entry in brought.items()]
        settled = dict(zip(mine, keep(store, made), strict=True))
        for key, loaded in settled.items():
            self._note(key, loaded, "load")
        return settled

    def _stale_of(self, store: Store, reading: Reading[Any], found: Found) -> Usable[Any] | None:
        usable = reading.usable(store, found)
        return usable if usable is not None and self._policy.relaxed and usable.state is Freshness.STALE else None

    def _serve_stale(
        self, store: Store, mine: Mapping[str, tuple[Reading[Any], Found]], error: Exception, detail: str
    ) -> None:
        for key, (reading, found) in mine.items():
            usable = self._stale_of(store, reading, found)
            if usable is None:
                raise error
            logger.warning("%s: serving stale: %s", key, error)
            self.outcomes[key] = reading.outcome(usable.entry, usable.value, "stale", now=found.now, detail=detail)
