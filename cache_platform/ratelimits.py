"""Rate limits that admit exactly what they say: a sliding-window log on the server's clock.

In every half-open window of the log at most `limit` requests are admitted, however many processes ask and whatever
their clocks say, and none is refused while fewer were.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cache_platform import keys
from cache_platform.conf import conf
from cache_platform.exceptions import ParameterError, StoreUnavailable
from cache_platform.stores import get_memory, get_store
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
    process decided by its own memory, or admitted everything."""

    allowed: bool
    limit: int
    window: float
    remaining: int
    retry_after: float
    enforced: bool = True
    slot: Slot | None = field(default=None, repr=False, compare=False)

    @property
    def retry_after_seconds(self) -> int:
        """`retry_after` in whole seconds, as Retry-After wants it: a request at that second is admitted."""
        return math.ceil(self.retry_after)


@dataclass(frozen=True, slots=True)
class Slot:
    """The place that an admitted request has taken."""

    log_keys: tuple[str, ...]
    member: str

    def give_back(self) -> None:
        """Free it again, as after a sign-in that was right. While the store is away it stays taken, which only makes
        the limit stricter until its window has passed."""
        try:
            get_store().give_back(self.log_keys, self.member)
        except StoreUnavailable:
            logger.info("a slot of %s could not be given back", ", ".join(self.log_keys))
        get_memory().give_back(self.log_keys, self.member)


class RateLimiter:
    """Decides. `kind` keeps the same identity in two limits apart, and is the readable part of the keys."""

    def __init__(self, kind: str = "check", *, without_store: WithoutStore = "local") -> None:
        if not KIND.fullmatch(kind):
            raise ParameterError(f"{kind!r} is no kind of limit; write small letters, digits and _")
        self._kind = kind
        self._without_store = without_store

    def check(self, key: str | Sequence[str], limit: int, window: float) -> Decision:
        """Take a slot for `key`, a text or several parts, if there is one. One round trip.

        Never raises for a store that is away. Raises ParameterError for a limit that is none.
        """
        return self.check_all([(key, Limit(limit, window))])

    def check_all(self, wanted: Sequence[tuple[str | Sequence[str], Limit]]) -> Decision:
        """Take a slot in each of several limits, or in none when one of them is used up. One round trip. The decision
        is that of the limit that refuses for longest, else of the one with the fewest requests remaining.
        """
        logs = [_log(self._kind, key, limit) for key, limit in wanted]
        member = new_token()
        try:
            return self._decided(get_store().take(logs, member), wanted, logs, member)
        except StoreUnavailable:
            return self._alone(wanted, logs, member)

    def _alone(self, wanted: Sequence[tuple[str | Sequence[str], Limit]], logs: list[Log], member: str) -> Decision:
        if self._without_store == "allow":
            limit = wanted[0][1]
            return Decision(
                allowed=True,
                limit=limit.limit,
                window=limit.window,
                remaining=limit.limit,
                retry_after=0,
                enforced=False,
            )
        share = [
            Log(key=log.key, limit=max(1, log.limit // conf.web_processes), window_ms=log.window_ms) for log in logs
        ]
        return self._decided(get_memory().take(share, member), wanted, share, member, enforced=False)

    def _decided(
        self,
        taken: Taken,
        wanted: Sequence[tuple[str | Sequence[str], Limit]],
        logs: Sequence[Log],
        member: str,
        *,
        enforced: bool = True,
    ) -> Decision:
        def closeness(index: int) -> tuple[int, int]:
            return -taken.waits_ms[index], logs[index].limit - taken.counts[index]

        first = min(range(len(logs)), key=closeness)
        return Decision(
            allowed=taken.allowed,
            limit=logs[first].limit,
            window=wanted[first][1].window,
            remaining=max(0, logs[first].limit - taken.counts[first]),
            retry_after=taken.wait,
            enforced=enforced,
            slot=Slot(tuple(log.key for log in logs), member) if taken.allowed else None,
        )


def preset(name: str) -> Limit:
    """The limit of a preset, from CACHE_PLATFORM["RATE_LIMITS"]. Raises ParameterError for one that is not there."""
    try:
        return Limit.parse(conf.rate_limits[name])
    except KeyError:
        known = ", ".join(sorted(conf.rate_limits)) or "none"
        raise ParameterError(f"no rate limit is called {name!r}; CACHE_PLATFORM['RATE_LIMITS'] has {known}") from None


def _log(kind: str, key: str | Sequence[str], limit: Limit) -> Log:
    who = [key] if isinstance(key, str) else list(key)
    return Log(key=keys.limit_key(kind, who), limit=limit.limit, window_ms=math.ceil(limit.window * 1000))
