"""One read of one entry: the steps of the read path, in their order."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from cache_platform import ahead, entries, inputs, transactions
from cache_platform.background import background
from cache_platform.conf import conf
from cache_platform.entries import Entry, Freshness
from cache_platform.exceptions import (
    BudgetExceeded,
    LoadRefused,
    SourceBackoff,
    StoreUnavailable,
    UnreadableEntry,
)
from cache_platform.flights import Flights, NextLoads, reset_after_fork
from cache_platform.loading import Load, Loaded, SoloLoads
from cache_platform.policies import Address, CachePolicy
from cache_platform.reads import Forward, Read, Source
from cache_platform.statistics import counters
from cache_platform.stores import get_memory, get_store, local_copies
from cache_platform.stores.base import TAG_MARGIN_MS, Fill, Found, Lease, Lookup, Store, new_token

logger = logging.getLogger(__name__)
T = TypeVar("T")

ROUNDS = 2
"""How often a reader waits for somebody else's load before it loads by itself."""
LEASE_MARGIN = 2.0
"""Seconds by which a lease outlives the loader's hard timeout."""
LAST_CHANCE = 0.5
"""Seconds that a reader waits beyond a lease's end, for the one who takes over from a winner that is gone."""
FIRST_POLL = 0.005
LONGEST_POLL = 0.05

flights: Flights[Loaded] = Flights()
next_loads: NextLoads[Loaded] = NextLoads()
solo_loads = SoloLoads()
reset_after_fork(flights, next_loads)
os.register_at_fork(after_in_child=solo_loads.reset)


@dataclass(frozen=True, slots=True)
class Usable(Generic[T]):
    """A stored entry whose signature is the current one, decoded."""

    entry: Entry
    value: T | None
    state: Freshness

    @property
    def fresh(self) -> bool:
        """True within its TTL."""
        return self.state in {Freshness.FRESH, Freshness.DUE}


def lookup_of(policy: CachePolicy[Any], params: Mapping[str, Any]) -> Lookup:
    """What to ask a store for that is read ahead: no lease, since nobody may load it yet."""
    return _lookup(policy, policy.address(params), token="")


def _lookup(policy: CachePolicy[Any], address: Address, *, token: str) -> Lookup:
    return Lookup(
        address=address,
        strict=not policy.relaxed,
        tag_ms=int((policy.effective_ttl + policy.stale_for) * 1000) + TAG_MARGIN_MS,
        token=token,
        lease_ms=int((policy.hard_timeout + LEASE_MARGIN) * 1000),
    )


class Reading(Generic[T]):
    """One read of one entry."""

    def __init__(
        self, policy: CachePolicy[T], params: Mapping[str, Any], load: Callable[[], T | None], caller: str | None
    ) -> None:
        self.policy = policy
        self.address = policy.address(params)
        self.load = load
        self.caller = caller
        self.token = new_token()
        self.keepable = not inputs.in_transaction()
        self.changed_here = not self.keepable and transactions.changed(self.address.tag_keys)

    def run(self) -> Read[T]:
        """The read path. Raises what get_or_load raises."""
        if not conf.enabled or self.policy.effective_ttl == 0:
            return self.load_unstored("off")
        if self.changed_here:
            return self.load_unstored("transaction")
        if (local := self.from_local()) is not None:
            return local
        try:
            read_ahead = self.from_ahead()
            return read_ahead if read_ahead is not None else self.from_store(get_store())
        except StoreUnavailable:
            return self.without_store()

    def from_ahead(self) -> Read[T] | None:
        """What this request has read ahead, if that is fresh beyond doubt. No lease goes with it, so what is due to be
        refreshed is for an ordinary lookup. No load may use it, which has read its generations later, and no
        transaction, which may have locked what it is going to read."""
        found = ahead.found(self.address) if self.keepable and not inputs.in_load() else None
        usable = self.usable(get_store(), found) if found is not None else None
        if found is None or usable is None or usable.state is not Freshness.FRESH:
            return None
        return self.outcome(usable.entry, usable.value, "hit", now=found.now)

    def without_store(self) -> Read[T]:
        """A relaxed policy goes on in this process's memory; a strict one asks the source, because a write by
        another process could not be noticed."""
        return self.from_store(get_memory(), detail="memory") if self.policy.relaxed else self.load_unstored("no-store")

    # Step 1

    def from_local(self) -> Read[T] | None:
        """The local copy, if the policy allows one and it is young enough."""
        if not self.policy.local_ttl or (copy := local_copies.get(self.address.key)) is None:
            return None
        at = copy.entry.times.loaded + int(copy.age(local_copies.now()))
        return self.outcome(copy.entry, self.decoded(copy.entry), "local", now=at, detail="local")

    # Step 2

    def lookup(self, *, lease: bool = True) -> Lookup:
        """What to ask the store for."""
        return _lookup(self.policy, self.address, token=self.token if lease and self.keepable else "")

    def find(self, store: Store) -> Found:
        """Ask the store."""
        return store.lookup([self.lookup()])[0]

    def from_store(self, store: Store, *, detail: str = "") -> Read[T]:
        """Steps 2 to 7 on one store. Raises StoreUnavailable besides."""
        found = self.find(store)
        if found.blob is None and not found.held and self.may_keep_after_all():
            found = self.find(store)  # now with the wish for the lease
        self.note_superseded(store, found)
        give_up = time.monotonic() + self.policy.hard_timeout + LEASE_MARGIN + LAST_CHANCE
        rounds = 0
        while rounds < ROUNDS and time.monotonic() < give_up:
            outcome = self.answer(store, found, detail=detail)
            if outcome is not None:
                return outcome
            landed = self._follow(store, give_up)
            if landed is not None and (landed.checked or landed.entry.signature == found.signature):
                return self._landed(landed, detail)
            rounds += landed is not None  # a flight that brought nothing has not been a round
            found = self.find(store)
        outcome = self.answer(store, found, detail=detail)
        return outcome if outcome is not None else self._load_alone(store, found)

    def may_keep_after_all(self) -> bool:
        """Whether a load inside a transaction may be stored, which is asked only when there has to be one."""
        if not self.keepable:
            self.keepable = inputs.may_be_kept_in_transaction()
            return self.keepable
        return False

    def still_keepable(self) -> bool:
        """Whether what was loaded may be stored, after the load: its loader may have written in this transaction."""
        return self.keepable and (not inputs.in_transaction() or inputs.may_be_kept_in_transaction())

    def note_superseded(self, store: Store, found: Found) -> None:
        """Drop what this process kept of an entry that was superseded, and count it: once, by who is to load it anew,
        not by all who wait for that."""
        if not found.superseded:
            return
        if found.lease is Lease.WON:
            counters.add(self.policy.name, {"superseded": 1})
        local_copies.drop_keys([self.address.key])
        if store is not get_memory():
            get_memory().delete([self.address.key])

    def answer(self, store: Store, found: Found, *, detail: str = "") -> Read[T] | None:
        """What can be answered without waiting for anybody: a hit, a stale entry, this reader's own load. Else None."""
        usable = self.usable(store, found)
        if usable is not None and (self.policy.relaxed or not found.held):
            if usable.fresh:
                return self.hit(store, found, usable, detail)
            if usable.state is Freshness.STALE:
                return self.stale(store, found, usable)
        if found.held or not self.keepable:
            return self.load_unstored("held" if found.held else "transaction")
        if found.lease is Lease.WON:
            forward: Forward = "uri-miss" if usable is None else "stale"
            return self._loaded(self.lead(store, found), forward=forward, detail=detail)
        return self._by_anothers_verdict(store, found)

    def _by_anothers_verdict(self, store: Store, found: Found) -> Read[T] | None:
        """What follows from what the last winner said when it let go; None while one is loading."""
        if found.lease is Lease.BACKOFF:
            wait = found.lease_ms / 1000
            raise SourceBackoff(self.policy.name, "failed a moment ago and is not asked again yet", retry_after=wait)
        if found.lease is Lease.UNSTORABLE:
            copy = self._copy(store, found)
            return copy if copy is not None else self.load_unstored("not-stored", store, found)
        return None

    def _copy(self, store: Store, found: Found) -> Read[T] | None:
        """This process's copy of what the store could not keep, if its generations are still the current ones."""
        memory = get_memory()
        if store is memory or memory.origin(self.address.key) != found.signature:
            return None
        mine = memory.lookup([self.lookup(lease=False)])[0]
        usable = self.usable(memory, mine)
        if usable is None or not usable.fresh:
            return None
        return self.outcome(usable.entry, usable.value, "hit", now=mine.now, detail="memory")

    def usable(self, store: Store, found: Found) -> Usable[T] | None:
        """The found entry, decoded; None without one. What cannot be read is removed, so that it is loaded anew."""
        if found.blob is None:
            return None
        try:
            entry = entries.parse(found.blob)
            return Usable(entry, self.decoded(entry), entries.freshness(entry.times, found.now))
        except UnreadableEntry as error:
            logger.warning("%s is not readable and is loaded anew: %s", self.address.key, error)
            store.delete([self.address.key])
            return None

    def hit(self, store: Store, found: Found, usable: Usable[T], detail: str) -> Read[T]:
        """A fresh entry; near its end, the winner of the lease refreshes it ahead."""
        if found.lease is Lease.WON:
            self._refresh_ahead(store, found)
        self.remember(store, usable.entry, found.now)
        return self.outcome(usable.entry, usable.value, "hit", now=found.now, detail=detail)

    def remember(self, store: Store, entry: Entry, now: int) -> None:
        """Keep an entry of a relaxed policy in this process too: as a local copy, and for the time without store."""
        if not self.policy.relaxed:
            return
        memory, times = get_memory(), entry.times
        if store is not memory:
            memory.keep_copy(self.address, entry, age=now - times.loaded, tag_ms=self.lookup(lease=False).tag_ms)
        life = min(self.policy.local_ttl * 1000, times.fresh_until - now)
        if life > 0:
            local_copies.keep(self.address.key, entry, self.address.tag_keys, age=now - times.loaded, life=life)

    def fill_of(self, entry: Entry, *, keep_ms: int) -> Fill:
        """The fill that stores `entry` for `keep_ms`."""
        return Fill(
            address=self.address,
            strict=not self.policy.relaxed,
            signature=entry.signature,
            blob=entry.dump(),
            loaded=entry.times.loaded,
            keep_ms=max(keep_ms, 1),
            token=self.token,
        )

    # Steps 3 to 5

    def stale(self, store: Store, found: Found, usable: Usable[T]) -> Read[T]:
        """A stale entry: this reader's own load if it wins the lease and is quick, else the entry itself."""
        detail = "provider-error" if found.lease is Lease.BACKOFF else "revalidating"
        if found.lease is Lease.WON:
            try:
                loaded, detail = self._lead_softly(store, found), "provider-slow"
            except Exception as error:  # noqa: BLE001  # whatever a loader raises, the stale entry is the answer
                logger.warning("%s: serving stale: %s", self.address.key, error)
                loaded, detail = None, "budget" if isinstance(error, BudgetExceeded) else "provider-error"
            if loaded is not None:
                return self._loaded(loaded, forward="stale")
        return self.outcome(usable.entry, usable.value, "stale", now=found.now, detail=detail)

    def _lead_softly(self, store: Store, found: Found) -> Loaded | None:
        """The load's result; None when it is slower than `soft_timeout` (it goes on and stores its value)."""
        if self.policy.soft_timeout is None:
            return self.lead(store, found)
        future = background.submit(lambda: self.lead(store, found))
        if future is None:
            store.release(self.address, self.token, Lease.NONE)
            return None
        try:
            return future.result(timeout=self.policy.soft_timeout)
        except TimeoutError:
            if future.done():
                raise
            return None

    def _refresh_ahead(self, store: Store, found: Found) -> None:
        """Load in the background; when all threads are busy, leave it to the next reader."""

        def refresh() -> None:
            try:
                self.lead(store, found)
            except Exception as error:  # noqa: BLE001  # nobody waits for it, and the entry is still fresh
                logger.warning("%s: refresh ahead failed: %s", self.address.key, error)

        if background.submit(refresh) is None:
            store.release(self.address, self.token, Lease.NONE)

    def lead(self, store: Store, found: Found) -> Loaded:
        """Load under the lease, store, and let those who wait have the value."""
        flight = flights.begin(self.address.key)
        try:
            loaded = Load(self, store, found).run()
        except BaseException as error:
            flights.end(self.address.key, flight)
            if isinstance(error, LoadRefused):
                flight.land(None)  # this caller's budget is not the others' affair
            else:
                flight.fail(error)
            raise
        flights.end(self.address.key, flight)
        flight.land(loaded)
        return loaded

    def _follow(self, store: Store, give_up: float) -> Loaded | None:
        """Wait for the winner, or for the thread of this process that waits for it. What another thread brings may be
        taken only if its generations are those that this reader read itself."""
        flight, alone = flights.join(self.address.key)
        if not alone:
            return flight.wait(give_up - time.monotonic())
        landed = None
        try:
            landed = self._poll(store, give_up)
        finally:
            flights.end(self.address.key, flight)
            flight.land(landed)
        return replace(landed, checked=True) if landed is not None else None

    def _poll(self, store: Store, give_up: float) -> Loaded | None:
        """Watch the store for the winner in another process; None when it brings nothing in time."""
        pause = FIRST_POLL
        while time.monotonic() < give_up:
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL)
            found = self.find(store)
            usable = self.usable(store, found)
            if usable is not None and usable.fresh and not found.held:
                if found.lease is Lease.WON:
                    store.release(self.address, self.token, Lease.NONE)
                return Loaded(usable.entry, stored=True, now=found.now, own=False)
            if found.lease is Lease.WON:
                return Load(self, store, found).run()
            if found.lease is not Lease.TAKEN:
                return None
        return None

    def _load_alone(self, store: Store, found: Found) -> Read[T]:
        with solo_loads.one():
            return self._loaded(Load(self, store, found, leased=False).run())

    # Step 7, and the time without a store

    def load_unstored(self, detail: str, store: Store | None = None, found: Found | None = None) -> Read[T]:
        """A load that begins after this call, shared with others who came before it began. Nothing is stored, but for
        what this process may keep when it says what the store had `found`."""

        def load() -> Loaded:
            return Load(self, store, found, leased=False).run()

        if self.keepable:
            patience = 2 * self.policy.hard_timeout
            loaded, shared = next_loads.run(self.address.key, load, patience=patience)
        else:
            loaded, shared = load(), False  # what a transaction sees is for itself alone
        if shared and loaded.tainted:
            inputs.taint()
        source: Source = "wait" if shared else "bypass"
        value = self.decoded(loaded.entry)
        return self.outcome(loaded.entry, value, source, now=loaded.now, forward="bypass", detail=detail)

    def decoded(self, entry: Entry) -> T | None:
        """The entry's value. Raises UnreadableEntry."""
        return entries.decode(self.policy, entry)

    def _loaded(self, loaded: Loaded, *, forward: Forward = "uri-miss", detail: str = "") -> Read[T]:
        value, stored = self.decoded(loaded.entry), loaded.stored
        return self.outcome(loaded.entry, value, "load", now=loaded.now, stored=stored, forward=forward, detail=detail)

    def _landed(self, landed: Loaded, detail: str) -> Read[T]:
        """What a flight brought: this reader's own load, if it took over from a winner that was gone, or another's."""
        if landed.checked and landed.own:
            return self._loaded(landed, detail=detail)
        if landed.tainted:
            inputs.taint()
        return self.outcome(landed.entry, self.decoded(landed.entry), "wait", now=landed.now, detail=detail)

    def outcome(
        self,
        entry: Entry,
        value: T | None,
        source: Source,
        *,
        now: int | None = None,
        stored: bool = False,
        forward: Forward = "uri-miss",
        detail: str = "",
    ) -> Read[T]:
        """A read of `entry` at `now`; without it, at the start of its load."""
        at = entry.times.loaded if now is None else now
        return Read(
            value=value,
            policy=self.policy.name,
            source=source,
            age=max(at - entry.times.loaded, 0) / 1000,
            ttl=(entry.times.fresh_until - max(at, entry.times.loaded)) / 1000,
            stored=stored,
            forward=forward,
            detail=detail,
        )
