"""What every store does, and the values that go in and out. Times are milliseconds by the store's own clock."""

from __future__ import annotations

import enum
import math
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cache_platform.policies import Address

UNSTORABLE_MS = 5000
"""How long "the winner could not store" is told to those who wait for it."""
TAG_MARGIN_MS = 60_000
"""How much longer than the entries stored under it a tag lives."""
STEPS = {"hours": 3600, "fives": 300, "minutes": 60}
"""Seconds that the counters' buckets are of."""
Bucket = tuple[int, dict[str, int]]
"""When a bucket of counters begins, in seconds since 1970, and the counters."""
Loads = Mapping[str, Sequence[bytes]]
"""Notes of loads by policy, the oldest first."""
NO_LOADS: Loads = {}
LOADS_KEPT = 50
"""Of each policy, for LOADS_LAST seconds after the newest."""
LOADS_LAST = 7 * 24 * 3600
LONGEST_BACKOFF_MS = 3_600_000
"""How long a source can keep us away at the most, whatever its Retry-After says."""
FAILURES_KEPT_MS = 60_000
"""How long after its back-off a run of failures is remembered, so that the next one backs off for longer."""


def new_generation() -> str:
    """64 random bits as 16 hex digits: never a counter or a time, so a lost generation cannot come back."""
    return secrets.token_hex(8)


new_token = new_generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One entry to read. With a `token`, the load lease is tried for in the same round trip."""

    address: Address
    strict: bool
    tag_ms: int
    token: str = ""
    lease_ms: int = 0


class Lease(enum.Enum):
    """What became of the wish for the load lease."""

    NONE = "-"
    """Not asked for, not needed, or not to be had because a tag is held."""
    WON = "W"
    TAKEN = "L"
    """Somebody else loads."""
    BACKOFF = "B"
    """The source failed a moment ago."""
    UNSTORABLE = "N"
    """The last winner loaded a value that it could not store: waiting for one is in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a lookup saw. `blob` is set only when its signature is the current one; whether it is still fresh is for
    the reader to say. `lease_ms` is what is left of the other's lease or of the back-off."""

    now: int
    signature: str
    held: bool
    blob: bytes | None
    superseded: bool
    lease: Lease
    lease_ms: int = 0
    failures: int = 0
    believed: bool = True
    """False when nobody has looked at the outbox lately; no store gives such a finding to a reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One entry to store, with the generations read before any of its inputs (in `signature`)."""

    address: Address
    strict: bool
    signature: str
    blob: bytes
    loaded: int
    keep_ms: int
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is under an entry's key, for somebody who only looks. It is `valid` where its generations are the current
    ones; whether it is still fresh is for whoever looks to say. `now` is the store's time in milliseconds."""

    now: int
    blob: bytes | None
    valid: bool
    held: bool


class Stored(enum.Enum):
    """What became of a fill."""

    STORED = "stored"
    SUPERSEDED = "superseded"
    """A generation moved on, or a tag is held: the value may be older than a write."""
    NEWER = "newer"
    """An entry of the same generations whose load began later is there already."""
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A sliding-window log: at most `limit` members in any `window_ms`. A `shadow` one that is used up refuses nobody,
    and nothing is written into it then."""

    key: str
    limit: int
    window_ms: int
    shadow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of the wish for a slot: in all logs, or in none. For each log, `counts` are the members in its window
    (with this one, if it was taken) and `waits_ms` the time until a slot is free there, 0 where one is. A log in shadow
    may say that there is none while the slot was taken in the others."""

    allowed: bool
    counts: tuple[int, ...]
    waits_ms: tuple[int, ...]

    @property
    def wait(self) -> float:
        """Seconds until all logs have a slot; 0 when this one was taken."""
        return max(self.waits_ms, default=0) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The wish for a slot in all of `logs`, with a `guard` only if the entry that it looks for is fresh and says more
    than "not found": somebody whose credential is not good shall not use up another's limit."""

    logs: tuple[Log, ...]
    member: str
    guard: Lookup | None = None


class Store(Protocol):
    """Entries, generations, leases and counters. Every method may raise StoreUnavailable, and none another error
    of the server's; each is atomic, and one round trip unless it says otherwise."""

    name: str

    def lookup(self, lookups: Sequence[Lookup]) -> list[Found]:
        """Entry, generations, epoch and lease for each; missing generations are made up."""

    def look_ahead(
        self, lookups: Sequence[Lookup], attempts: Sequence[Attempt]
    ) -> tuple[list[Found | None], list[Taken | None]]:
        """Lookups and attempts at once. Lookups write nothing here, not even a missing generation: nobody is let in
        yet. None for an entry that is not fresh beyond doubt, and for an attempt whose guard was not good, which has
        written nothing."""

    def inspect(self, wish: Lookup) -> Seen:
        """What is under the entry's key, superseded or not. Writes nothing: no lease, no generation."""

    def fill(self, fills: Sequence[Fill]) -> list[Stored]:
        """Store each entry unless it is superseded, held or older, and give its lease back."""

    def release(self, address: Address, token: str, verdict: Lease, *, pause_ms: int = 0, failures: int = 0) -> None:
        """Give a lease back without an entry: NONE frees it, BACKOFF keeps others away for `pause_ms`, UNSTORABLE
        tells those who wait. Somebody else's lease is left alone."""

    def hold(self, tag_keys: Sequence[str], token: str, hold_ms: int) -> None:
        """Place a hold on each tag; it ends with `bump`, `let_go` or its deadline."""

    def let_go(self, tag_keys: Sequence[str], token: str) -> None:
        """Remove the hold without a new generation."""

    def bump(self, tag_keys: Sequence[str], token: str = "") -> int:
        """Give each tag a new generation and remove the token's hold; how many tags it touched."""

    def bump_many(self, bumps: Sequence[tuple[Sequence[str], str]]) -> int:
        """Each bump with its token, in one round trip; how many tags were touched."""

    def take(self, logs: Sequence[Log], member: str) -> Taken:
        """Write `member` into every log, or into none when one is used up. A refusal writes nothing."""

    def give_back(self, log_keys: Sequence[str], member: str) -> None:
        """Free the slots that `member` has taken."""

    def scan(self, pattern: str, *, page: int = 1000, until: float = math.inf) -> Iterator[str]:
        """Keys that match a Redis glob; those that are no text never do. Many round trips, each of which looks at
        about `page` keys, and none begins once time.monotonic() has reached `until`."""

    def holds(self, name: str) -> bool:
        """Whether there is such a key."""

    def delete(self, names: Iterable[str]) -> int:
        """Remove keys; how many there were."""

    def add_counters(self, process: str, batch: int, counters: Mapping[str, int], loads: Loads = NO_LOADS) -> None:
        """Add to the current bucket's counters of each of STEPS and to the totals, and to the newest loads, once per
        batch however often it is sent. A process numbers its batches upwards and sends them in order."""

    def read_counters(self, *, minutes: int = 0, fives: int = 0, hours: int = 0) -> dict[str, int]:
        """The sums over the current bucket and so many before it: of a minute, of five, or of an hour."""

    def read_buckets(self, *, minutes: int = 0, fives: int = 0, hours: int = 0) -> list[Bucket]:
        """The same buckets one by one, the oldest first; empty where nothing was counted. Many round trips."""

    def read_totals(self) -> dict[str, int]:
        """The sums since counting began. They never expire; a server that was restarted, or that took over from
        another, begins again at 0, whatever it still has."""

    def read_loads(self, policy_name: str) -> list[bytes]:
        """The newest loads of a policy as they were added, the newest first, LOADS_KEPT at the most."""

    def ping(self) -> None:
        """Ask for a sign of life."""

    def describe(self) -> dict[str, Any]:
        """What the server says of itself: memory, clients, evictions, uptime."""
