"""What limits do while Redis hangs, is gone, refuses writes or is full, and when it comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import httpx
import pytest
from redis.exceptions import OutOfMemoryError

from cache_platform.presets import preset
from cache_platform.ratelimits import Decision, RateLimiter
from cache_platform.stores import connection
from cache_platform.stores.connection import get_breaker
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

LIMIT, PROCESSES = 8, 4
SHARE = LIMIT // PROCESSES
BACK_WITHIN = 5.0


def replicate(server: RedisUnderTest, *, of: tuple[str, str]) -> None:
    """Make it a replica, which refuses the scripts, or a server of its own again."""
    with server.client() as client:
        client.replicaof(*of)


AWAY: dict[str, tuple[Callable[[RedisUnderTest], None], Callable[[RedisUnderTest], None]]] = {
    "killed": (RedisUnderTest.kill, RedisUnderTest.start),
    "hung": (RedisUnderTest.pause, RedisUnderTest.resume),
    "read-only": (
        lambda server: replicate(server, of=("127.0.0.1", "1")),
        lambda server: replicate(server, of=("NO", "ONE")),
    ),
}


@pytest.fixture(params=list(AWAY))
def outage(request: pytest.FixtureRequest, frail_redis: RedisUnderTest) -> Callable[[], Any]:
    """A block without Redis, for each way in which it can be away."""
    leave, come_back = AWAY[request.param]

    @contextmanager
    def away() -> Iterator[None]:
        leave(frail_redis)
        yield
        come_back(frail_redis)

    return away


@pytest.fixture(autouse=True)
def several_processes(settings: Any) -> None:
    """This process is one of four, and has a limit with each fallback."""
    settings.CACHE_PLATFORM = {
        **settings.CACHE_PLATFORM,
        "WEB_PROCESSES": PROCESSES,
        "RATE_LIMITS": {"shared": f"{LIMIT}/60s", "open": f"{LIMIT}/60s allow", "watching": f"{LIMIT}/60s shadow"},
    }


def asked(who: str, times: int) -> list[Decision]:
    """Decisions, one after the other."""
    return [RateLimiter("fault").check(who, LIMIT, 60) for _ in range(times)]


def verdicts(decisions: list[Decision]) -> list[bool]:
    """Who was admitted."""
    return [each.allowed for each in decisions]


def wait_for_redis() -> None:
    """Return once Redis decides again; asks for somebody whom no test looks at."""
    wait_until(lambda: asked("scout", 1)[0].enforced, what="Redis decides again", timeout=BACK_WITHIN)


def test_each_process_admits_exactly_its_share(outage: Callable[[], Any]) -> None:
    """Every decision is made, and says that it is this process's own."""
    assert asked("before", 1)[0].enforced
    with outage():
        decisions = asked("ada", SHARE + 3)
        assert verdicts(decisions) == [True] * SHARE + [False] * 3
        assert {(each.enforced, each.limit) for each in decisions} == {(False, SHARE)}
        assert all(0 < each.retry_after <= 60 for each in decisions[SHARE:])
        assert verdicts(asked("grace", 1)) == [True]


def test_what_a_preset_does_without_its_store(outage: Callable[[], Any]) -> None:
    """`allow` admits everything, shadow refuses nobody."""
    with outage():
        for name in ("open", "watching"):
            decisions = [preset(name).check("ada") for _ in range(LIMIT + 1)]
            assert {(each.allowed, each.enforced) for each in decisions} == {(True, False)}


def test_after_the_first_failure_redis_is_asked_no_more(outage: Callable[[], Any]) -> None:
    """By those who want a decision; the breaker's thread alone asks whether Redis is back."""
    with outage(), counted_questions() as questions:
        asked("first", 1)
        assert len(questions) == 1
        assert get_breaker("default").is_open
        asked("ada", 20)
        assert len(questions) == 1


@contextmanager
def counted_questions() -> Iterator[list[str]]:
    """What this thread asks Redis."""
    real, questions, me = connection.direct, list[str](), threading.current_thread()

    def direct(*args: Any) -> Any:
        if threading.current_thread() is me:
            questions.append("asked")
        return real(*args)

    with mock.patch.object(connection, "direct", direct):
        yield questions


def test_redis_decides_again_and_holds_nothing_against_anybody(outage: Callable[[], Any]) -> None:
    """Whoever was refused by this process has the whole limit, once; not more than it either."""
    with outage():
        asked("first", 1)  # what a hung Redis was asked, it does when it goes on
        assert verdicts(asked("ada", LIMIT)).count(True) == SHARE
    wait_for_redis()
    decisions = asked("ada", LIMIT + 1)
    assert verdicts(decisions) == [True] * LIMIT + [False]
    assert {(each.enforced, each.limit) for each in decisions} == {(True, LIMIT)}


def test_a_slot_of_the_outage_can_be_given_back_afterwards(outage: Callable[[], Any]) -> None:
    """It is this process's own; Redis has none of it, and nothing fails."""
    with outage():
        asked("first", 1)
        slot = asked("ada", 1)[0].slot
        assert slot is not None
        slot.give_back()
        assert verdicts(asked("ada", SHARE + 1)) == [True] * SHARE + [False]
        late = asked("grace", 1)[0].slot
    wait_for_redis()
    assert late is not None
    late.give_back()
    assert verdicts(asked("grace", LIMIT + 1)) == [True] * LIMIT + [False]


def fill_up(server: RedisUnderTest) -> None:
    """Bring the server to its maxmemory: it refuses to store anything."""
    server.limit_memory("100kb")
    with server.client() as client, pytest.raises(OutOfMemoryError):
        client.set("full", "1")


def test_limits_are_exact_on_a_full_server(frail_redis: RedisUnderTest) -> None:
    """Their script may write all the same, since what it writes is bounded; giving back works, too."""
    fill_up(frail_redis)
    decisions = asked("ada", LIMIT + 2)
    assert verdicts(decisions) == [True] * LIMIT + [False] * 2
    assert {each.enforced for each in decisions} == {True}
    assert decisions[0].slot is not None
    decisions[0].slot.give_back()
    assert verdicts(asked("ada", 2)) == [True, False]
    assert not get_breaker("default").is_open


def searches(client: httpx.Client, number: int) -> list[int]:
    """The status of each of so many searches."""
    return [client.get("/api/news", params={"q": "bridge"}).status_code for _ in range(number)]


def test_searches_on_a_full_server(site: SiteFactory, redis_server: RedisUnderTest) -> None:
    """Entries are refused there; the limit over two processes is exact, and no search fails."""
    client = site(workers=2, RATE_LIMIT_SEARCH="4/60s").client
    fill_up(redis_server)
    codes = searches(client, 12)
    assert (codes.count(200), codes.count(429)) == (4, 8)


def test_searches_while_redis_hangs(site: SiteFactory, redis_server: RedisUnderTest) -> None:
    """Each of two processes admits its half; Redis decides again afterwards."""
    client = site(workers=2, WORKERS="2", RATE_LIMIT_SEARCH="4/60s").client
    redis_server.pause()
    codes = searches(client, 12)
    assert set(codes) == {200, 429}
    assert 2 <= codes.count(200) <= 4
    redis_server.resume()
    wait_until(
        lambda: '"search";q=4;' in client.get("/api/news", params={"q": "bridge"}).headers["RateLimit-Policy"],
        what="Redis decides again",
        timeout=BACK_WITHIN,
    )
