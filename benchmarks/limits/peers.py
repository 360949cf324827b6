"""The limiters that are compared, each as its own documentation has it, behind one method.

`set_up` comes first: it configures Django with the cache that each of them recommends. The clock that they find in
`time.time` is the caller's to bend before that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Ask = Callable[[str], bool]
"""Whether a request of so-called `who` is admitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all are asked to keep: at most `limit` requests in any `window` seconds. Made for the server at `url`."""

    url: str
    limit: int
    window: int


class Limiter:
    """One of them. `moment` is when the log itself has the last request that was admitted, in milliseconds of Redis'
    clock; None where a limiter does not tell."""

    def __init__(self, ask: Ask, moment: Callable[[], int | None] = lambda: None) -> None:
        self.ask = ask
        self.moment = moment


def set_up(url: str) -> None:
    """Configure Django: `default` is this platform's cache, `peers` is django-redis as it comes."""
    import django
    from django.conf import settings

    patient = {"SOCKET_TIMEOUT": 10, "SOCKET_CONNECT_TIMEOUT": 10}  # a busy machine is not an outage
    settings.configure(
        INSTALLED_APPS=["cache_platform"],
        SECRET_KEY="of the benchmark",  # noqa: S106  # it keeps nothing secret
        CACHES={
            "default": {"BACKEND": "cache_platform.backend.RedisCache", "LOCATION": url, "OPTIONS": patient},
            "peers": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url},
        },
        DATABASES={},
        CACHE_PLATFORM={"OUTBOX_DATABASES": [], "SLOW_AFTER": 10},
        RATELIMIT_USE_CACHE="peers",
    )
    django.setup()


def ours(terms: Terms) -> Limiter:
    """RateLimiter.check."""
    from cache_platform.ratelimits import RateLimiter, Slot
    from cache_platform.stores.connection import get_client

    limiter = RateLimiter("bench")
    last: list[Slot] = []

    def ask(who: str) -> bool:
        decision = limiter.check(who, terms.limit, terms.window)
        if not decision.enforced:
            raise RuntimeError("Redis has to decide here")
        last[:] = [decision.slot] if decision.slot is not None else []
        return decision.allowed

    def moment() -> int | None:
        score: Any = get_client("default").zscore(last[0].log_keys[0], last[0].member)
        return None if score is None else int(score)

    return Limiter(ask, moment)


def drf(terms: Terms) -> Limiter:
    """SimpleRateThrottle, made for each request as DRF does. Its rates know seconds, minutes, hours and days, so the
    window is given by `parse_rate`."""
    from django.core.cache import caches
    from rest_framework.throttling import SimpleRateThrottle

    class Throttle(SimpleRateThrottle):
        cache = caches["peers"]
        rate = f"{terms.limit}/{terms.window}s"
        who = ""

        def parse_rate(self, rate: str | None) -> tuple[int, int]:  # noqa: ARG002  # DRF's signature
            return terms.limit, terms.window

        def get_cache_key(self, request: object, view: object) -> str:  # noqa: ARG002  # DRF's signature
            return f"throttle_bench_{self.who}"

    request: Any = None

    def ask(who: str) -> bool:
        throttle = Throttle()
        throttle.who = who
        return throttle.allow_request(request, request)

    return Limiter(ask)


def django_ratelimit(terms: Terms) -> Limiter:
    """is_ratelimited with increment, as its decorator calls it."""
    from django.http import HttpRequest
    from django_ratelimit.core import is_ratelimited

    request, rate = HttpRequest(), f"{terms.limit}/{terms.window}s"
    request.method = "GET"

    def ask(who: str) -> bool:
        return not is_ratelimited(request, group="bench", key=lambda *_: who, rate=rate, increment=True)

    return Limiter(ask)


def limits_with(strategy: str) -> Callable[[Terms], Limiter]:
    """A strategy of `limits` on its RedisStorage."""

    def make(terms: Terms) -> Limiter:
        from limits import RateLimitItemPerSecond, strategies
        from limits.storage import RedisStorage

        storage = RedisStorage(terms.url.replace("unix://", "redis+unix://", 1))
        limiter = getattr(strategies, strategy)(storage)
        item = RateLimitItemPerSecond(terms.limit, terms.window, strategy)  # or the strategies share keys
        return Limiter(lambda who: bool(limiter.hit(item, who)))

    return make


OURS = "`RateLimiter`"
DRF = "DRF `SimpleRateThrottle`"
DJANGO_RATELIMIT = "django-ratelimit"
FIXED_WINDOW = "`limits`, fixed window"
SLIDING_COUNTER = "`limits`, sliding window counter"
MOVING_WINDOW = "`limits`, moving window"
LIMITERS: Mapping[str, Callable[[Terms], Limiter]] = MappingProxyType(
    {
        OURS: ours,
        DRF: drf,
        DJANGO_RATELIMIT: django_ratelimit,
        FIXED_WINDOW: limits_with("FixedWindowRateLimiter"),
        SLIDING_COUNTER: limits_with("SlidingWindowCounterRateLimiter"),
        MOVING_WINDOW: limits_with("MovingWindowRateLimiter"),
    }
)
"""By their names in the table, in its order."""
