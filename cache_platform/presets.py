"""The site's rate limits by name, as CACHE_PLATFORM["RATE_LIMITS"] has them: `{"search": "30/60s"}`.

After the limit may stand `shadow` (it counts and refuses nobody) and `allow` (while the store is away it admits
everything, where else each process admits its share).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cache_platform.conf import conf
from cache_platform.exceptions import ParameterError, PolicyError
from cache_platform.ratelimits import Decision, Limit, Wish, WithoutStore, checked_kind, parts_of, take_slots

WORDS = {"shadow", "allow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A limit with a name."""

    name: str
    limit: Limit
    without_store: WithoutStore = "local"
    shadow: bool = False

    @classmethod
    def parse(cls, name: str, text: str) -> Preset:
        """From `30/60s`, `30/60s shadow`, `30/60s allow` or `30/60s shadow allow`. Raises ParameterError."""
        if not isinstance(text, str):
            raise ParameterError(f"{text!r} is no limit; write a text like 20/60s")
        limit, *words = text.split() or [""]
        if not WORDS.issuperset(words) or len(set(words)) != len(words):
            raise ParameterError(f"{text!r} is no limit; after 20/60s may stand: {', '.join(sorted(WORDS))}")
        return cls(
            name=checked_kind(name),
            limit=Limit.parse(limit),
            without_store="allow" if "allow" in words else "local",
            shadow="shadow" in words,
        )

    def wish(self, *who: str) -> Wish:
        """A slot for `who`, the parts of an identity."""
        return Wish(
            kind=self.name,
            who=who,
            limit=self.limit,
            without_store=self.without_store,
            shadow=self.shadow,
            preset=self.name,
        )

    def check(self, key: str | Sequence[str]) -> Decision:
        """Take a slot for `key`, a text or several parts, if there is one. See RateLimiter.check."""
        return take_slots([self.wish(*parts_of(key))])


def preset(name: str) -> Preset:
    """The preset of that name. Raises PolicyError where there is none, and ParameterError for what is no limit."""
    limits = conf.rate_limits
    if name not in limits:
        known = ", ".join(sorted(limits)) or "none"
        raise PolicyError(f"no rate limit is called {name!r}; CACHE_PLATFORM['RATE_LIMITS'] has {known}")
    return _parsed(name, limits[name])


@cache
def _parsed(name: str, text: str) -> Preset:
    return Preset.parse(name, text)
