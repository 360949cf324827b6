"""Rate limits that admit exactly what they say: a sliding-window log on the server's clock.

In every half-open window of the log at most `limit` requests are admitted, however many processes ask and whatever
their clocks say, and none is refused while fewer were.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from cache_platform import ahead, keys
from cache_platform.conf import conf
from cache_platform.exceptions import ParameterError, StoreUnavailable
from cache_platform.statistics import counters
from cache_platform.stores import get_memory, get_state_store
from cache_platform.stores.base import Log, Taken, new_token

logger = logging.getLogger(__name__)

WithoutStore = Literal["local", "allow"]
"""What a limit does while the store is away. `local`: the same log in this process's memory, its limit divided by the
number of web processes. `allow`: everything is admitted."""

KIND = re.compile(r"[a-z][a-z0-9_]{0,29}")
LIMIT = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,6})s")
LONGEST_WINDOW = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `limit` requests in any `window` seconds. Raises ParameterError for what is no limit."""

    limit: int
    window: float

    def __post_init__(self) -> None:
        if self.limit < 1 or not 0 < self.window <= LONGEST_WINDOW:
            raise ParameterError(f"a limit is at least 1 in a window of up to {LONGEST_WINDOW} s, as in 20/60s")

    @classmethod
    def parse(cls, text: str) -> Limit:
        """From `20/60s`: requests, and seconds of the window. Raises ParameterError, saying what is allowed."""
        match = LIMIT.fullmatch(text.strip())
        if match is None:
            raise ParameterError(f"{text!r} is no limit; write requests and seconds, as in 20/60s")
        return cls(int(match[1]), float(match[2]))

    def __str__(self) -> str:
        return f"{self.limit}/{self.window:g}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Whether a request is admitted. `remaining` requests may follow at once; `retry_after` is in seconds, 0 when it is
    admitted: at that moment, and not before, the next one fits. `enforced` is false when the store was away and this
    process decided by its own memory, or admitted everything; `shadow` is true when the limit refuses nobody."""

    kind: str = "check"
    allowed: bool
    limit: int
    window: float
    remaining: int
    retry_after: float
    enforced: bool = True
    shadow: bool = False
    slot: Slot | None = field(default=None, repr=False, compare=False)

    @property
    def retry_after_seconds(self) -> int:
        """`retry_after` in whole seconds, as Retry-After wants it: a request at that second is admitted."""
        return math.ceil(self.retry_after)


class Slot:
    """The place that an admitted request has taken, in each of the logs; in none when nothing is counted."""

    __slots__ = ("_given_back", "_presets", "log_keys", "member")

    def __init__(self, log_keys: Sequence[str] = (), member: str = "", presets: Sequence[str] = ()) -> None:
        self.log_keys, self.member = tuple(log_keys), member
        self._presets = presets
        self._given_back = False

    def give_back(self) -> None:
        """Free it again, as after a sign-in that was right; doing it twice is doing it once. While the store is away it
        stays taken, which only makes the limit stricter until its window has passed."""
        if self._given_back or not self.log_keys:
            return
        self._given_back = True
        for preset in self._presets:
            counters.add(counter_of(preset), {"given_back": 1})
        try:
            get_state_store().give_back(self.log_keys, self.member)
        except StoreUnavailable:
            logger.info("a slot of %s could not be given back", ", ".join(self.log_keys))
        get_memory().give_back(self.log_keys, self.member)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A slot that is asked for: for `who`, under the limit `limit` of this `kind`. A `shadow` limit counts and refuses
    nobody. `preset` is whose statistics it counts in, if in any."""

    kind: str
    who: tuple[str, ...]
    limit: Limit
    without_store: WithoutStore = "local"
    shadow: bool = False
    preset: str = ""

    def __post_init__(self) -> None:
        if not self.who or not all(isinstance(part, str) for part in self.who):
            raise ParameterError(f"who is limited is a text, or several of them, not {self.who!r}")

    def log(self, share: int = 1) -> Log:
        """Its log, or the share of it that one of so many processes has."""
        return Log(
            key=keys.limit_key(self.kind, self.limit.window, self.who),
            limit=max(1, self.limit.limit // share),
            window_ms=math.ceil(self.limit.window * 1000),
            shadow=self.shadow,
        )


def logs_of(wishes: Sequence[Wish]) -> list[Log]:
    """The logs of wishes, as `take_slots` asks for them."""
    return [wish.log() for wish in wishes]


def take_slots(wishes: Sequence[Wish]) -> Decision:
    """Take a slot for each wish, or none when one of the limits is used up. One round trip, and none when this request
    has read ahead.

    The decision is that of the limit that refuses for longest, else of the one with the fewest requests remaining.
    Never raises for a store that is away.
    """
    logs, member = logs_of(wishes), new_token()
    read_ahead = ahead.taken(logs)
    if read_ahead is not None:
        member, taken = read_ahead
        return _counted(wishes, logs, taken, member)
    try:
        taken = get_state_store().take(logs, member)
    except StoreUnavailable:
        return _alone(wishes, member)
    return _counted(wishes, logs, taken, member)


def _counted(
    wishes: Sequence[Wish], logs: Sequence[Log], taken: Taken, member: str, *, enforced: bool = True
) -> Decision:
    """What `taken` means for the wishes; counted in the statistics of their presets."""
    _count(wishes, taken, enforced=enforced)
    return replace(_told(wishes, logs, taken), enforced=enforced, slot=_slot(wishes, logs, taken, member))


def _told(wishes: Sequence[Wish], logs: Sequence[Log], taken: Taken) -> Decision:
    telling = [index for index, log in enumerate(logs) if not log.shadow]
    if not telling:
        return replace(_open(wishes[0]), shadow=True)
    first = min(telling, key=lambda index: (-taken.waits_ms[index], logs[index].limit - taken.counts[index]))
    return Decision(
        kind=wishes[first].kind,
        allowed=taken.allowed,
        limit=logs[first].limit,
        window=wishes[first].limit.window,
        remaining=max(0, logs[first].limit - taken.counts[first]),
        retry_after=max(taken.waits_ms[index] for index in telling) / 1000 if not taken.allowed else 0.0,
    )


def _slot(wishes: Sequence[Wish], logs: Sequence[Log], taken: Taken, member: str) -> Slot | None:
    """The slot in those logs that it was taken in; one in shadow that is used up has none."""
    if not taken.allowed:
        return None
    inside = [index for index, wait in enumerate(taken.waits_ms) if wait == 0]
    presets = dict.fromkeys(wishes[index].preset for index in inside if wishes[index].preset)
    return Slot([logs[index].key for index in inside], member, tuple(presets))


def _alone(wishes: Sequence[Wish], member: str) -> Decision:
    """What this process decides by itself while the store is away."""
    local = [wish for wish in wishes if wish.without_store == "local"]
    free = [wish for wish in wishes if wish.without_store == "allow"]
    if local:
        logs = [wish.log(conf.web_processes) for wish in local]
        decision = _counted(local, logs, get_memory().take(logs, member), member, enforced=False)
    else:
        decision = replace(_open(free[0]), shadow=all(wish.shadow for wish in free))
    if decision.allowed:
        nothing = (0,) * len(free)
        _count(free, Taken(allowed=True, counts=nothing, waits_ms=nothing), enforced=False)
    return decision


def _open(wish: Wish) -> Decision:
    """The decision of a limit that refuses nobody at the moment."""
    return Decision(
        kind=wish.kind,
        allowed=True,
        limit=wish.limit.limit,
        window=wish.limit.window,
        remaining=wish.limit.limit,
        retry_after=0,
        enforced=False,
        slot=Slot(),
    )


def _count(wishes: Sequence[Wish], taken: Taken, *, enforced: bool) -> None:
    """Each preset by itself, and a request once: of several limits, those that had room did not refuse it."""
    waits: dict[str, int] = {}
    for wish, wait in zip(wishes, taken.waits_ms, strict=True):
        if wish.preset:
            waits[wish.preset] = max(wait, waits.get(wish.preset, 0))
    for preset, wait in waits.items():
        if wait or taken.allowed:
            outcome = "admitted" if not wait else "would_refuse" if taken.allowed else "refused"
            counters.add(counter_of(preset), {outcome: 1} | ({} if enforced else {"unenforced": 1}))


def counter_of(preset: str) -> str:
    """Under which name the statistics have a preset; no policy can have such a one."""
    return f"limit:{preset}"


class RateLimiter:
    """Decides. `kind` keeps the same identity in two limits apart, and is the readable part of the keys."""

    def __init__(self, kind: str = "check", *, without_store: WithoutStore = "local") -> None:
        if without_store not in {"local", "allow"}:
            raise ParameterError(f"without_store is {without_store!r}; use local or allow")
        self._kind = checked_kind(kind)
        self._without_store = without_store

    def check(self, key: str | Sequence[str], limit: int, window: float) -> Decision:
        """Take a slot for `key`, a text or several parts, if there is one. One round trip.

        Never raises for a store that is away. Raises ParameterError for a limit that is none.
        """
        return self.check_all([(key, Limit(limit, window))])

    def check_all(self, wanted: Sequence[tuple[str | Sequence[str], Limit]]) -> Decision:
        """Take a slot in each of several limits, or in none when one of them is used up; see `take_slots`."""
        return take_slots(
            [
                Wish(
                    kind=self._kind,
                    who=parts_of(key),
                    limit=limit,
                    without_store=self._without_store,
                )
                for key, limit in wanted
            ]
        )


def parts_of(key: str | Sequence[str]) -> tuple[str, ...]:
    """The parts of an identity. Raises ParameterError for what is none."""
    if isinstance(key, str):
        return (key,)
    if not isinstance(key, Sequence):
        raise ParameterError(f"who is limited is a text, or several of them, not {key!r}")
    return tuple(key)


def checked_kind(kind: str) -> str:
    """`kind`, if it can be the readable part of a key. Raises ParameterError."""
    if not KIND.fullmatch(kind):
        raise ParameterError(f"{kind!r} is no kind of limit; write small letters, digits and _")
    return kind
