"""How many calls an account has left on a platform."""

from __future__ import annotations

import math
from dataclasses import dataclass

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a call; `reset` is Unix time, `granted` whether the call itself was within the quota."""

    limit: int
    remaining: int
    reset: int
    granted: bool

    def headers(self) -> dict[str, str]:
        """Return what each answer says about it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


class Quotas:
    """Calls counted in windows of a minute, each of which begins with the second of a call."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], tuple[int, int]] = {}

    def take(self, platform: str, account: str, *, limit: int, now: float) -> Allowance:
        """Count one call of `account` at Unix time `now`; beyond `limit` it is not granted."""
        start, used = self._windows.get((platform, account), (0, 0))
        if not start <= now < start + MINUTE:
            start, used = math.floor(now), 0
        granted = used < limit
        used += granted
        self._windows[platform, account] = (start, used)
        return Allowance(limit, max(0, limit - used), start + MINUTE, granted)

    def clear(self) -> None:
        """Begin at zero."""
        self._windows.clear()


quotas = Quotas()
