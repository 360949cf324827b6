"""The store in this process's memory: the only one without Redis, and a fallback for relaxed policies beside it.

Bounded in bytes; the least recently used entry goes first. Tags, leases and logs are small and expire; they are
cleaned up as the store is used, so no thread is needed.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cache_platform import entries
from cache_platform.entries import Entry
from cache_platform.exceptions import UnreadableEntry
from cache_platform.policies import Address
from cache_platform.stores import globs
from cache_platform.stores.base import (
    FAILURES_KEPT_MS,
    NO_LOADS,
    TAG_MARGIN_MS,
    UNSTORABLE_MS,
    Attempt,
    Bucket,
    Fill,
    Found,
    Lease,
    Loads,
    Log,
    Lookup,
    Seen,
    Stored,
    Taken,
    new_generation,
)
from cache_platform.stores.counting import summed
from cache_platform.stores.memory_counters import MemoryCounters

CLEAN_EVERY_MS = 10_000
OVERHEAD = 200
"""Bytes that a key costs beside its name and value, roughly."""


@dataclass(slots=True)
class _Tag:
    generation: str
    expires: int
    holders: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Lease:
    kind: Lease
    token: str
    until: int
    failures: int
    expires: int


def wall_clock_ms() -> int:
    """Milliseconds since 1970, by this machine's clock."""
    return time.time_ns() // 1_000_000


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class MemoryStore:
    """See Store; shared by the threads of one process and by nothing else."""

    name = "memory"

    def __init__(self, *, max_bytes: int, clock: Callable[[], int] = wall_clock_ms) -> None:
        self._clock = clock
        # A limit is about spans of time, and no other process goes by this one's.
        self._log_clock = _monotonic_ms if clock is wall_clock_ms else clock
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._entries: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._origins: dict[str, tuple[str, int]] = {}
        self._tags: dict[str, _Tag] = {}
        self._leases: dict[str, _Lease] = {}
        self._logs: dict[str, dict[str, int]] = {}
        self._log_windows: dict[str, int] = {}
        self._counters = MemoryCounters(self._clock)
        self._epoch = new_generation()
        self._used = 0
        self._evicted = 0
        self._next_cleaning = 0

    def lookup(self, lookups: Sequence[Lookup]) -> list[Found]:
        """See Store."""
        with self._lock:
            now = self._clock()
            self._clean(now)
            return [self._look(wish, now) for wish in lookups]

    def look_ahead(
        self, lookups: Sequence[Lookup], attempts: Sequence[Attempt]
    ) -> tuple[list[Found | None], list[Taken | None]]:
        """See Store. There is no outbox to look at here."""
        with self._lock:
            now = self._clock()
            self._clean(now)
            return [self._glance(wish, now) for wish in lookups], [
                self._take(each.logs, each.member) if self._lets_in(each.guard, now) else None for each in attempts
            ]

    def _glance(self, wish: Lookup, now: int) -> Found | None:
        if any((tag := self._tags.get(name)) is None or tag.expires <= now for name in wish.address.tag_keys):
            return None
        found = self._look(wish, now)
        fresh = found.blob is not None and not found.held and now < entries.parse(found.blob).times.fresh_until
        return found if fresh else None

    def _lets_in(self, guard: Lookup | None, now: int) -> bool:
        if guard is None:
            return True
        found = self._glance(guard, now)
        return found is not None and found.blob is not None and not entries.parse(found.blob).not_found

    def _look(self, wish: Lookup, now: int) -> Found:
        signature, held = self._current(wish.address, strict=wish.strict, tag_ms=wish.tag_ms, now=now)
        blob, superseded = self._valid_blob(wish.address.key, signature, now)
        lease, lease_ms, failures = Lease.NONE, 0, 0
        if wish.token and not held and (blob is None or _due(blob, now)):
            lease, lease_ms, failures = self._try_lease(wish, now)
        return Found(
            now=now, signature=signature, held=held, blob=blob, superseded=superseded,
            lease=lease, lease_ms=lease_ms, failures=failures,
        )  # fmt: skip

    def inspect(self, wish: Lookup) -> Seen:
        """See Store."""
        with self._lock:
            now, address = self._clock(), wish.address
            tags = [self._tags.get(name) for name in address.tag_keys]
            deadlines = [deadline for tag in tags if tag for deadline in tag.holders.values()]
            expires, blob = self._entries.get(address.key, (0, b""))
            current = [tag.generation for tag in tags if tag and tag.expires > now]
            signature = entries.signature(address.digest, self._epoch if wish.strict else "-", current)
            lapsed = any(deadline <= now for deadline in deadlines)
            return Seen(
                now=now,
                blob=blob if expires > now else None,
                valid=not lapsed and expires > now and blob.startswith(signature.encode() + b"\n"),
                held=any(deadline > now for deadline in deadlines),
            )

    def _valid_blob(self, key: str, signature: str, now: int) -> tuple[bytes | None, bool]:
        kept = self._entries.get(key)
        if kept is None or kept[0] <= now:
            return None, False
        if not kept[1].startswith(signature.encode() + b"\n"):
            return None, True
        self._entries.move_to_end(key)
        return kept[1], False

    def _try_lease(self, wish: Lookup, now: int) -> tuple[Lease, int, int]:
        lease = self._leases.get(wish.address.lease_key)
        failures = 0
        if lease is not None and lease.expires > now:
            if lease.kind is Lease.BACKOFF:
                failures = lease.failures
            if lease.until > now and lease.token != wish.token:
                return lease.kind, lease.until - now, failures
        until = now + wish.lease_ms
        self._leases[wish.address.lease_key] = _Lease(Lease.TAKEN, wish.token, until, failures, until)
        return Lease.WON, 0, failures

    def _current(self, address: Address, *, strict: bool, tag_ms: int, now: int) -> tuple[str, bool]:
        held, generations = False, []
        for name in address.tag_keys:
            tag = self._tag(name, tag_ms, now)
            held = held or bool(tag.holders)
            generations.append(tag.generation)
        return entries.signature(address.digest, self._epoch if strict else "-", generations), held

    def _tag(self, name: str, at_least: int, now: int) -> _Tag:
        """The tag, made up when it is missing; its lapsed holders take the generation with them."""
        tag = self._tags.get(name)
        if tag is None or tag.expires <= now:
            tag = self._tags[name] = _Tag(new_generation(), now + at_least)
        lapsed = [token for token, deadline in tag.holders.items() if deadline <= now]
        for token in lapsed:
            del tag.holders[token]
        if lapsed:
            tag.generation = new_generation()
            tag.expires = max(tag.expires, now + at_least)
        return tag

    def fill(self, fills: Sequence[Fill]) -> list[Stored]:
        """See Store."""
        with self._lock:
            return [self._fill(fill, self._clock()) for fill in fills]

    def _fill(self, fill: Fill, now: int) -> Stored:
        size = len(fill.blob) + len(fill.address.key) + OVERHEAD
        if size > self._max_bytes:
            return Stored.FULL
        lease = self._leases.get(fill.address.lease_key)
        if lease is not None and fill.token and lease.token == fill.token:
            del self._leases[fill.address.lease_key]
        signature, held = self._current(fill.address, strict=fill.strict, tag_ms=fill.keep_ms + TAG_MARGIN_MS, now=now)
        if held or signature != fill.signature:
            return Stored.SUPERSEDED
        there, _ = self._valid_blob(fill.address.key, signature, now)
        if there is not None and entries.parse(there).times.loaded > fill.loaded:
            return Stored.NEWER
        self._forget(fill.address.key)
        self._entries[fill.address.key] = (now + fill.keep_ms, fill.blob)
        self._used += size
        for name in fill.address.tag_keys:
            tag = self._tags[name]
            tag.expires = max(tag.expires, now + fill.keep_ms + TAG_MARGIN_MS)
        while self._used > self._max_bytes:
            self._forget(next(iter(self._entries)))
            self._evicted += 1
        return Stored.STORED

    def _forget(self, key: str) -> bool:
        self._origins.pop(key, None)
        kept = self._entries.pop(key, None)
        if kept is not None:
            self._used -= len(kept[1]) + len(key) + OVERHEAD
        return kept is not None

    def keep_copy(self, address: Address, entry: Entry, *, age: int, tag_ms: int) -> None:
        """Keep a copy of another store's entry that is `age` milliseconds old, under generations of this store's own
        and by its clock. `origin` tells afterwards under which generations the copy was valid there."""
        with self._lock:
            origin = (entry.signature, entry.times.loaded)
            if self._origins.get(address.key) == origin:
                return
            shift = self._clock() - age - entry.times.loaded
            times = entry.times.shifted(shift)
            signature, _ = self._current(address, strict=False, tag_ms=tag_ms, now=self._clock())
            copy = Entry(signature, times, entry.codec, entry.body)
            keep_ms = max(times.kept_until - self._clock(), 1)
            self._forget(address.key)
            fill = Fill(
                address=address, strict=False, signature=signature, blob=copy.dump(),
                loaded=times.loaded, keep_ms=keep_ms,
            )  # fmt: skip
            if self._fill(fill, self._clock()) is Stored.STORED:
                self._origins[address.key] = origin

    def origin(self, key: str) -> str:
        """The signature in the other store of the copy under `key`; empty without one."""
        return self._origins.get(key, ("", 0))[0]

    def release(self, address: Address, token: str, verdict: Lease, *, pause_ms: int = 0, failures: int = 0) -> None:
        """See Store."""
        with self._lock:
            now, lease = self._clock(), self._leases.get(address.lease_key)
            if lease is None or lease.kind is not Lease.TAKEN or lease.token != token:
                return
            del self._leases[address.lease_key]
            if verdict is Lease.BACKOFF:
                until = now + pause_ms
                self._leases[address.lease_key] = _Lease(verdict, "", until, failures, until + FAILURES_KEPT_MS)
            elif verdict is Lease.UNSTORABLE:
                until = now + (pause_ms or UNSTORABLE_MS)
                self._leases[address.lease_key] = _Lease(verdict, "", until, 0, until)

    def hold(self, tag_keys: Sequence[str], token: str, hold_ms: int) -> None:
        """See Store."""
        with self._lock:
            now = self._clock()
            for name in tag_keys:
                tag = self._tag(name, hold_ms, now)
                tag.holders[token] = now + hold_ms
                tag.expires = max(tag.expires, now + hold_ms)

    def let_go(self, tag_keys: Sequence[str], token: str) -> None:
        """See Store."""
        with self._lock:
            now = self._clock()
            for name in tag_keys:
                self._tag(name, TAG_MARGIN_MS, now).holders.pop(token, None)

    def bump(self, tag_keys: Sequence[str], token: str = "") -> int:
        """See Store."""
        with self._lock:
            now = self._clock()
            for name in tag_keys:
                tag = self._tag(name, TAG_MARGIN_MS, now)
                tag.holders.pop(token, None)
                tag.generation = new_generation()
                tag.expires = max(tag.expires, now + TAG_MARGIN_MS)
            return len(tag_keys)

    def bump_many(self, bumps: Sequence[tuple[Sequence[str], str]]) -> int:
        """See Store."""
        return sum(self.bump(tag_keys, token) for tag_keys, token in bumps)

    def take(self, logs: Sequence[Log], member: str) -> Taken:
        """See Store."""
        with self._lock:
            self._clean(self._clock())
            return self._take(logs, member)

    def _take(self, logs: Sequence[Log], member: str) -> Taken:
        now = self._log_clock()
        kept = [self._in_window(log, now) for log in logs]
        waits = [_wait(log, members, member, now) for log, members in zip(logs, kept, strict=True)]
        allowed = all(log.shadow or not wait for log, wait in zip(logs, waits, strict=True))
        if allowed:
            for log, members, wait in zip(logs, kept, waits, strict=True):
                if not wait:
                    members.setdefault(member, now)
                    self._logs[log.key], self._log_windows[log.key] = members, log.window_ms
        return Taken(allowed=allowed, counts=tuple(map(len, kept)), waits_ms=tuple(waits))

    def give_back(self, log_keys: Sequence[str], member: str) -> None:
        """See Store."""
        with self._lock:
            for name in log_keys:
                self._logs.get(name, {}).pop(member, None)

    def _in_window(self, log: Log, now: int) -> dict[str, int]:
        """Its members of the window; those that are ahead of a clock that was set back count as of now, for good."""
        members = self._logs.get(log.key, {})
        members.update({name: now for name, at in members.items() if at > now})
        return {name: at for name, at in members.items() if at > now - log.window_ms}

    def scan(self, pattern: str, *, page: int = 0, until: float = 0) -> Iterator[str]:  # noqa: ARG002  # at once
        """See Store."""
        with self._lock:
            now = self._clock()
            names = [key for key, (expires, _) in self._entries.items() if expires > now] + list(self._tags)
        glob = globs.Glob(pattern)
        yield from (name for name in names if glob.matches(name))

    def holds(self, name: str) -> bool:
        """See Store."""
        with self._lock:
            expires, _ = self._entries.get(name, (0, None))
            return expires > self._clock() or name in self._tags

    def delete(self, names: Iterable[str]) -> int:
        """See Store."""
        with self._lock:
            return sum(self._forget(name) or self._tags.pop(name, None) is not None for name in set(names))

    def add_counters(self, process: str, batch: int, counters: Mapping[str, int], loads: Loads = NO_LOADS) -> None:
        """See Store."""
        with self._lock:
            self._counters.add(process, batch, counters, loads)

    def read_counters(self, *, minutes: int = 0, fives: int = 0, hours: int = 0) -> dict[str, int]:
        """See Store."""
        return summed(self.read_buckets(minutes=minutes, fives=fives, hours=hours))

    def read_buckets(self, *, minutes: int = 0, fives: int = 0, hours: int = 0) -> list[Bucket]:
        """See Store."""
        with self._lock:
            return self._counters.buckets(minutes=minutes, fives=fives, hours=hours)

    def read_totals(self) -> dict[str, int]:
        """See Store."""
        with self._lock:
            return self._counters.totals()

    def read_loads(self, policy_name: str) -> list[bytes]:
        """See Store."""
        with self._lock:
            return self._counters.loads(policy_name)

    def ping(self) -> None:
        """Always well."""

    def describe(self) -> dict[str, Any]:
        """See Store."""
        with self._lock:
            return {"used_memory": self._used, "maxmemory": self._max_bytes, "evicted_keys": self._evicted}

    def _clean(self, now: int) -> None:
        """Drop what has expired; a full pass at most every ten seconds."""
        if now < self._next_cleaning:
            return
        self._next_cleaning = now + CLEAN_EVERY_MS
        for key in [key for key, (expires, _) in self._entries.items() if expires <= now]:
            self._forget(key)
        self._tags = {name: tag for name, tag in self._tags.items() if tag.expires > now}
        self._leases = {name: lease for name, lease in self._leases.items() if lease.expires > now}
        passed = self._log_clock()
        over = [n for n, log in self._logs.items() if not log or max(log.values()) <= passed - self._log_windows[n]]
        for name in over:
            del self._logs[name], self._log_windows[name]
        self._counters.clean(now)


def _due(blob: bytes, now: int) -> bool:
    try:
        return now >= entries.parse(blob).times.refresh
    except UnreadableEntry:
        return True


def _wait(log: Log, members: Mapping[str, int], member: str, now: int) -> int:
    """Milliseconds until the log has a slot for `member`; 0 when it has one, or the member is in it."""
    if len(members) < log.limit or member in members:
        return 0
    return max(sorted(members.values())[len(members) - log.limit] + log.window_ms - now, 1)
