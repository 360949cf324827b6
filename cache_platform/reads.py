"""What a read gave: the value, and how it came about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

Source = Literal["hit", "local", "stale", "load", "wait", "bypass"]
Forward = Literal["uri-miss", "stale", "bypass"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[T]):
    """A value and where it came from. `value` is None for "not found".

    `age` and `ttl` are seconds: since the start of the load, and of freshness left (negative when stale). `forward`
    says why the cache did not answer, in the words of RFC 9211 section 2.2.
    """

    value: T | None
    policy: str
    source: Source
    age: float = 0
    ttl: float = 0
    stored: bool = False
    forward: Forward = "uri-miss"
    detail: str = ""

    @property
    def cached(self) -> bool:
        """True for a hit, a local copy or a stale answer; false for those that load or wait for a load."""
        return self.source in {"hit", "local", "stale"}

    @property
    def cache_status(self) -> str:
        """The Cache-Status member of this read (RFC 9211)."""
        if self.cached:
            parts = ["CachePlatform", "hit", f"ttl={math.floor(self.ttl)}"]
        else:
            parts = ["CachePlatform", f"fwd={self.forward}"]
            if self.stored:
                parts.append("stored")
            if self.source == "wait":
                parts.append("collapsed")
        if self.detail:
            parts.append(f"detail={self.detail}")
        return "; ".join(parts)
