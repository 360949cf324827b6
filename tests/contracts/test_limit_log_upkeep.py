"""What a log keeps: never more than its limit, one place for each request, and nothing of a clock that was wrong."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from cache_platform.ratelimits import Limit, RateLimiter
from cache_platform.stores.base import Log, Store, Taken
from cache_platform.stores.memory import MemoryStore
from cache_platform.testing import FakeClock
from tests.contracts.test_limit_logs import store
from tests.services.redis import RedisUnderTest

__all__ = ["store"]
Clocked = tuple[Store, FakeClock]
KEY = "cp:limit:upkeep:60:!a"
WINDOW_MS = 60_000


def log(limit: int = 2, *, shadow: bool = False) -> Log:
    """A log of a minute."""
    return Log(key=KEY, limit=limit, window_ms=WINDOW_MS, shadow=shadow)


def members(store: Store, request: pytest.FixtureRequest) -> dict[str, int]:
    """Who is kept in the log, and since when."""
    if isinstance(store, MemoryStore):
        return dict(store._logs.get(KEY, {}))
    name = "redis_server" if request.node.callspec.params["store"] == "valkey" else "debian_redis"
    server: RedisUnderTest = request.getfixturevalue(name)
    with server.client() as raw:
        kept: Any = raw.zrange(KEY, 0, -1, withscores=True)
    return {member.decode(): int(score) for member, score in kept}


def take(store: Store, member: str, **more: Any) -> Taken:
    """A slot."""
    return store.take([log(**more)], member)


def test_a_log_in_shadow_is_never_written_beyond_its_limit(store: Clocked, request: pytest.FixtureRequest) -> None:
    """So that switching it on refuses nobody for what was before, and nobody fills the server."""
    outcomes = [take(store[0], f"m{number}", shadow=True) for number in range(5)]
    assert [each.allowed for each in outcomes] == [True] * 5
    assert [each.counts for each in outcomes] == [(1,), (2,), (2,), (2,), (2,)]
    assert sorted(members(store[0], request)) == ["m0", "m1"]


@pytest.mark.parametrize("shadow", [False, True])
def test_no_more_than_the_limit_is_kept_after_many_windows(
    store: Clocked, request: pytest.FixtureRequest, shadow: bool
) -> None:
    """A log that is used all the time never ends by itself: those whose window has passed go with the next request."""
    running, clock = store
    for number in range(12):
        clock.advance(25)
        take(running, f"m{number}", shadow=shadow)
        assert len(members(running, request)) <= 2


def test_a_resend_does_not_move_its_place(store: Clocked, request: pytest.FixtureRequest) -> None:
    """The answer was lost and the request sent again, later: its slot is free when it would have been."""
    running, clock = store
    first = clock()
    take(running, "m1")
    clock.advance(20)
    assert take(running, "m1") == Taken(allowed=True, counts=(1,), waits_ms=(0,))
    assert members(running, request) == {"m1": first}
    clock.advance(40)
    assert take(running, "m2").counts == (1,)


def test_what_was_admitted_before_a_clock_was_set_back_counts_as_now(
    store: Clocked, request: pytest.FixtureRequest
) -> None:
    """Nobody waits for longer than a window, and nobody is admitted twice; one window later the log is right again."""
    running, clock = store
    assert [take(running, name).allowed for name in ("m1", "m2")] == [True, True]
    clock.advance(-3600)
    back = clock()
    assert take(running, "m3") == Taken(allowed=False, counts=(2,), waits_ms=(WINDOW_MS,))
    clock.advance(59.999)
    assert take(running, "m3") == Taken(allowed=False, counts=(2,), waits_ms=(1,))
    clock.now = back + WINDOW_MS
    assert take(running, "m4") == Taken(allowed=True, counts=(1,), waits_ms=(0,))
    assert members(running, request) == {"m4": back + WINDOW_MS}


def test_a_request_that_is_admitted_after_a_clock_was_set_back_takes_the_old_ones_along(
    store: Clocked, request: pytest.FixtureRequest
) -> None:
    """One of two slots was taken by the wrong clock: both are free a window after now."""
    running, clock = store
    take(running, "m1")
    clock.advance(-3600)
    back = clock()
    assert take(running, "m2").counts == (2,)
    assert members(running, request) == {"m1": back, "m2": back}
    clock.advance(60)
    assert take(running, "m3").counts == (1,)


@pytest.mark.parametrize("kind", ["string", "list", "hash", "set"])
def test_a_key_of_another_type_is_replaced(redis_cache: RedisUnderTest, kind: str) -> None:
    """Somebody wrote under a name of ours: the limit holds from then on, and nothing fails."""
    limiter = RateLimiter("upkeep")
    with redis_cache.client() as raw:
        decision = limiter.check("a", 2, 60)
        assert decision.slot is not None
        (key,) = raw.scan_iter("cp:limit:upkeep:*")
        raw.delete(key)
        write(raw, key, kind)
        decision.slot.give_back()
        assert raw.type(key) == kind.encode()
        decisions = [limiter.check("a", 2, 60) for _ in range(3)]
        assert raw.type(key) == b"zset"
    assert [(each.allowed, each.enforced) for each in decisions] == [(True, True), (True, True), (False, True)]


def write(raw: redis.Redis, key: bytes, kind: str) -> None:
    """Something of that type."""
    if kind == "string":
        raw.set(key, "x")
    elif kind == "list":
        raw.rpush(key, "x")
    elif kind == "hash":
        raw.hset(key, "x", "1")
    else:
        raw.sadd(key, "x")


def test_members_of_a_time_to_come_hold_nobody_up_for_longer_than_a_window(redis_cache: RedisUnderTest) -> None:
    """On the server's own clock: three of an hour ahead were planted, as they are after it was set back."""
    limiter = RateLimiter("upkeep")
    with redis_cache.client() as raw:
        limiter.check("a", 3, 60)
        (key,) = raw.scan_iter("cp:limit:upkeep:*")
        seconds: Any = raw.time()
        now = int(seconds[0]) * 1000 + int(seconds[1]) // 1000
        raw.delete(key)
        raw.zadd(key, {f"m{number}": now + 3_600_000 + number for number in range(3)})
        refused = limiter.check("a", 3, 60)
        assert (refused.allowed, refused.remaining) == (False, 0)
        assert refused.retry_after == 60
        kept: Any = raw.zrange(key, 0, -1, withscores=True)
        assert len({score for _, score in kept}) == 1
        assert kept[0][1] < now + 3_600_000


def test_two_windows_on_one_identity_are_two_logs(redis_cache: RedisUnderTest) -> None:
    """Taken together, the one that is used up first refuses; each is looked at by itself, too."""
    limiter, short, long = RateLimiter("upkeep"), Limit(2, 30), Limit(4, 60)
    both = [("a", short), ("a", long)]
    decisions = [limiter.check_all(both) for _ in range(3)]
    assert [(each.allowed, each.limit) for each in decisions] == [(True, 2), (True, 2), (False, 2)]
    with redis_cache.client() as raw:
        found = sorted(raw.scan_iter("cp:limit:upkeep:*"))
        assert [key.split(b"!")[0] for key in found] == [b"cp:limit:upkeep:30:", b"cp:limit:upkeep:60:"]
        assert [raw.zcard(key) for key in found] == [2, 2]
        raw.delete(found[0])  # the short window has passed
        assert [limiter.check_all(both).allowed for _ in range(2)] == [True, True]
        raw.delete(found[0])
    refused = limiter.check_all(both)
    assert (refused.allowed, refused.limit, refused.window) == (False, 4, 60)
    assert limiter.check("a", 2, 30).allowed
    assert not limiter.check("a", 4, 60).allowed
