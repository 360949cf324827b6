"""One of several processes that ask one limit as fast as they can, each with a clock of its own that is wrong.

Its arguments are Redis' address, limit, window, when to stop (by Redis' clock) and how wrong its own clock is. It
prints as JSON the moments of the admitted requests as the log itself has them, and the spans of the refused ones, in
milliseconds of Redis' clock.
"""

from __future__ import annotations

import json
import sys
import time

import redis


def main() -> None:
    """Ask until the time is over."""
    url, limit, window, until, skew = (
        sys.argv[1],
        int(sys.argv[2]),
        float(sys.argv[3]),
        int(sys.argv[4]),
        float(sys.argv[5]),
    )
    real = time.time
    time.time = lambda: real() + skew  # what a limiter on the process's own clock would go by
    _set_up(url)
    from cache_platform.ratelimits import RateLimiter

    raw = redis.Redis.from_url(url, decode_responses=True)
    limiter = RateLimiter("hammer")
    admitted: list[float] = []
    refused: list[tuple[int, int]] = []
    while (before := _now(raw)) < until:
        decision = limiter.check("one", limit, window)
        assert decision.enforced, "Redis has to decide here"
        if decision.slot is not None:
            admitted.append(raw.zscore(decision.slot.log_keys[0], decision.slot.member))
        else:
            refused.append((before, _now(raw)))
    print(json.dumps({"admitted": admitted, "refused": refused}))


def _now(raw: redis.Redis) -> int:
    seconds, microseconds = raw.time()
    return seconds * 1000 + microseconds // 1000


def _set_up(url: str) -> None:
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=["cache_platform"],
        SECRET_KEY="of the hammer",
        CACHES={"default": {"BACKEND": "cache_platform.backend.RedisCache", "LOCATION": url}},
        DATABASES={},
        CACHE_PLATFORM={"OUTBOX_DATABASES": []},
    )
    django.setup()


if __name__ == "__main__":
    main()
