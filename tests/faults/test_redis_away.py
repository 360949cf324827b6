"""What reads do while Redis hangs, is gone, is full, and when it comes back."""

from __future__ import annotations

import threading
from typing import Any
from unittest import mock

import pytest

from cache_platform import (
    SourceTimeout,
    flush_policy,
    get_many_or_load,
    get_or_load,
    invalidate,
    peek,
    put,
    read,
)
from cache_platform.exceptions import StoreUnavailable
from cache_platform.statistics import counters, read_window
from cache_platform.stores import connection, get_store
from cache_platform.stores.connection import get_breaker, get_client
from cache_platform.stores.pending import pending
from cache_platform.testing import PausedLoader
from tests.integration.cache_platform.conftest import relaxed, strict
from tests.integration.cache_platform.test_read_path import broken, expire_soon, never
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

__all__ = ["relaxed", "strict"]


def load(id: int) -> dict[str, int]:
    """A loader that works."""
    return {"n": id}


def close_breaker() -> None:
    """Wait until the breaker has closed by itself."""
    wait_until(lambda: not get_breaker("default").is_open, what="the breaker closes")


def test_a_hung_redis_is_asked_once(frail_redis: RedisUnderTest, strict: Any) -> None:
    """The first read pays the socket timeout, the next ones ask nothing."""
    get_or_load(strict, {"id": 1}, load)
    frail_redis.pause()
    assert get_or_load(strict, {"id": 1}, load) == {"n": 1}
    assert get_breaker("default").is_open
    with mock.patch.object(connection, "direct") as asked:
        assert get_or_load(strict, {"id": 1}, load) == {"n": 1}
    asked.assert_not_called()
    outcome = read(strict, {"id": 2}, load)
    assert outcome.cache_status == "CachePlatform; fwd=bypass; detail=no-store"


def test_a_hung_redis_that_comes_back_is_used_again(frail_redis: RedisUnderTest, strict: Any) -> None:
    """The breaker's own thread finds out; no request does."""
    get_or_load(strict, {"id": 1}, load)
    frail_redis.pause()
    get_or_load(strict, {"id": 1}, load)
    frail_redis.resume()
    close_breaker()
    assert read(strict, {"id": 1}, never).cached


def test_a_relaxed_policy_goes_on_from_memory(frail_redis: RedisUnderTest, relaxed: Any) -> None:
    """What this process has seen is still served, and marked."""
    get_or_load(relaxed, {"id": 1}, load)
    frail_redis.kill()
    outcome = read(relaxed, {"id": 1}, never)
    assert outcome.cached
    assert outcome.detail == "memory"


def test_a_relaxed_policy_fills_its_memory_while_redis_is_away(frail_redis: RedisUnderTest, relaxed: Any) -> None:
    """The provider is asked once, not once per request."""
    frail_redis.kill()
    assert read(relaxed, {"id": 1}, load).source == "load"
    assert read(relaxed, {"id": 1}, never).source == "hit"


def test_memory_serves_stale_when_the_source_fails_too(
    frail_redis: RedisUnderTest, relaxed: Any, monkeypatch: Any
) -> None:
    """Redis and the provider away at once: the last good value, marked stale."""
    monkeypatch.setenv("CACHE_TTL_TEST_RELAXED", "1")
    get_or_load(relaxed, {"id": 1}, load)
    frail_redis.kill()
    wait_until(lambda: read(relaxed, {"id": 1}, broken).source == "stale", what="the entry in memory goes stale")


def test_a_strict_read_does_not_share_a_load_begun_before_it(frail_redis: RedisUnderTest, strict: Any) -> None:
    """Without Redis nobody can tell what a running load has seen: those who arrive share the next one."""
    frail_redis.kill()
    running = PausedLoader({"n": "old"})
    first = in_thread(lambda: read(strict, {"id": 1}, running))
    running.wait_until_entered()
    following = PausedLoader({"n": "new"})
    others = [in_thread(lambda: read(strict, {"id": 1}, following)) for _ in range(5)]
    running.resume()
    following.resume()
    assert result(first).value == {"n": "old"}
    assert all(result(other).value == {"n": "new"} for other in others)


def test_an_invalidation_while_redis_is_away_is_made_up_for(frail_redis: RedisUnderTest, strict: Any) -> None:
    """What this process could not bump is bumped before it reads from Redis again."""
    get_or_load(strict, {"id": 1}, lambda id: {"n": "old"})
    frail_redis.pause()
    assert invalidate("user:1") == 0
    assert len(pending) == 1
    frail_redis.resume()
    close_breaker()
    assert len(pending) == 0
    assert read(strict, {"id": 1}, lambda id: {"n": "new"}).value == {"n": "new"}


def test_a_restart_with_no_data_is_a_cold_cache(frail_redis: RedisUnderTest, strict: Any) -> None:
    """Empty Redis: misses, never an error."""
    get_or_load(strict, {"id": 1}, load)
    frail_redis.kill()
    assert get_or_load(strict, {"id": 1}, load) == {"n": 1}
    frail_redis.start()
    close_breaker()
    assert read(strict, {"id": 1}, load).stored
    assert read(strict, {"id": 1}, never).cached


def test_redis_lost_during_a_load_costs_nothing(frail_redis: RedisUnderTest, strict: Any) -> None:
    """The loaded value is served although it cannot be stored."""
    loader = PausedLoader({"n": 1})
    reader = in_thread(lambda: read(strict, {"id": 1}, loader))
    loader.wait_until_entered()
    frail_redis.kill()
    loader.resume()
    outcome = result(reader)
    assert (outcome.value, outcome.stored) == ({"n": 1}, False)


def test_a_waiter_goes_on_when_redis_is_lost(frail_redis: RedisUnderTest, strict: Any) -> None:
    """Those who wait for another process's load help themselves."""
    get_store().lookup([_wish(strict)])
    waiter = in_thread(lambda: read(strict, {"id": 1}, load))
    frail_redis.kill()
    assert result(waiter).value == {"n": 1}


def _wish(policy: Any) -> Any:
    """A lookup by another process, which wins the lease and never comes back."""
    from cache_platform.reading import Reading

    return Reading(policy, {"id": 1}, lambda: None, None).lookup()


def test_a_full_redis_stores_nothing_and_fails_nothing(frail_redis: RedisUnderTest, strict: Any, relaxed: Any) -> None:
    """maxmemory reached: values are served, entries are not stored; relaxed ones stay in memory."""
    fill_up(frail_redis)
    for policy in (strict, relaxed):
        outcome = read(policy, {"id": 1}, load)
        assert (outcome.value, outcome.stored) == ({"n": 1}, False)
    assert read(strict, {"id": 1}, load).value == {"n": 1}
    assert read(relaxed, {"id": 1}, never).detail == "memory"
    assert not get_breaker("default").is_open


def test_an_invalidation_works_on_a_full_redis(frail_redis: RedisUnderTest, strict: Any) -> None:
    """A full server still takes bumps, so what is in it is never served old."""
    get_or_load(strict, {"id": 1}, lambda id: {"n": "old"})
    fill_up(frail_redis)
    assert invalidate("user:1") == 1
    assert get_or_load(strict, {"id": 1}, lambda id: {"n": "new"}) == {"n": "new"}


def test_a_server_that_refuses_writes_is_not_read(frail_redis: RedisUnderTest, strict: Any) -> None:
    """A replica could not be bumped, so its entries are not trusted."""
    get_or_load(strict, {"id": 1}, lambda id: {"n": "old"})
    with frail_redis.client() as client:
        client.replicaof("127.0.0.1", "1")
    assert get_or_load(strict, {"id": 1}, lambda id: {"n": "new"}) == {"n": "new"}
    assert get_breaker("default").is_open


def test_scripts_that_redis_forgot_are_sent_again(frail_redis: RedisUnderTest, strict: Any) -> None:
    """SCRIPT FLUSH, as after a restart."""
    get_or_load(strict, {"id": 1}, load)
    with frail_redis.client() as client:
        client.script_flush()
    assert read(strict, {"id": 1}, never).cached


def test_a_batch_goes_on_without_redis(frail_redis: RedisUnderTest, strict: Any, relaxed: Any) -> None:
    """get_many_or_load: one load for all, from memory where it may."""
    asked: list[int] = []

    def load_many(wanted: list[dict[str, Any]]) -> list[dict[str, int]]:
        asked.append(len(wanted))
        return [{"n": params["id"]} for params in wanted]

    frail_redis.kill()
    for policy in (strict, relaxed):
        found = get_many_or_load(policy, [{"id": 1}, {"id": 2}], load_many)
        assert found == [{"n": 1}, {"n": 2}]
    get_many_or_load(relaxed, [{"id": 1}, {"id": 2}], load_many)
    assert asked == [2, 2]


def test_the_rest_of_the_api_says_so(frail_redis: RedisUnderTest, relaxed: Any) -> None:
    """peek raises, put and flush answer that nothing was done; nobody gets redis-py's errors."""
    frail_redis.kill()
    with pytest.raises(StoreUnavailable):
        peek(relaxed, {"id": 1})
    assert put(relaxed, {"id": 1}, {"n": 1}) is False
    assert flush_policy(relaxed) == 0


def test_counts_are_kept_while_redis_is_away(frail_redis: RedisUnderTest, strict: Any) -> None:
    """Nothing counted is lost or counted twice."""
    get_or_load(strict, {"id": 1}, load)
    counters.send()
    frail_redis.pause()
    for _ in range(3):
        get_or_load(strict, {"id": 1}, load)
    assert counters.send() is False
    frail_redis.resume()
    close_breaker()
    assert read_window("5m")["test.strict"]["misses"] == 4


def test_a_source_error_is_still_a_source_error(frail_redis: RedisUnderTest, strict: Any) -> None:
    """Both away: the loader's own error reaches the caller."""
    frail_redis.kill()
    with pytest.raises(SourceTimeout):
        get_or_load(strict, {"id": 1}, broken)


def test_a_run_of_slow_answers_opens_the_breaker(frail_redis: RedisUnderTest, strict: Any, settings: Any) -> None:
    """A Redis that answers, but slowly, is left alone as well."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "SLOW_AFTER": 0.05, "SLOW_RUN": 3}
    get_or_load(strict, {"id": 1}, load)
    with frail_redis.client() as raw:

        def slow_answer_opens_it() -> bool:
            raw.client_pause(100)
            get_or_load(strict, {"id": 1}, load)
            return get_breaker("default").is_open

        wait_until(slow_answer_opens_it, what="the run of slow answers opens the breaker")
    assert "in a row" in get_breaker("default").reason
    close_breaker()


def fill_up(server: RedisUnderTest) -> None:
    """Bring the server to its maxmemory."""
    client = get_client("default")
    client.config_set("maxmemory", client.info("memory")["used_memory"])


def test_what_another_process_invalidated_is_not_served_from_memory(frail_redis: RedisUnderTest, relaxed: Any) -> None:
    """A full Redis that still takes bumps: the copy of the older value is not an answer any more."""
    get_or_load(relaxed, {"id": 1}, lambda id: {"n": "old"})
    fill_up(frail_redis)
    get_store().bump(relaxed.address({"id": 1}).tag_keys[-1:])
    for _ in range(5):
        assert read(relaxed, {"id": 1}, lambda id: {"n": "new"}).value == {"n": "new"}


def test_memory_follows_what_was_loaded_anew(frail_redis: RedisUnderTest, relaxed: Any, monkeypatch: Any) -> None:
    """An entry that expired and was renewed, under the same generations, is renewed in memory too."""
    expire_soon(relaxed, monkeypatch, {"n": "old"})
    monkeypatch.delenv("CACHE_TTL_TEST_RELAXED")
    read(relaxed, {"id": 1}, lambda id: {"n": "new"})
    frail_redis.kill()
    outcome = read(relaxed, {"id": 1}, never)
    assert (outcome.value, outcome.source, outcome.detail) == ({"n": "new"}, "hit", "memory")


def test_a_value_seen_to_be_superseded_is_gone_from_memory(frail_redis: RedisUnderTest, relaxed: Any) -> None:
    """When Redis dies afterwards, the flushed value does not come back."""
    get_or_load(relaxed, {"id": 1}, lambda id: {"n": "old"})
    get_store().bump(relaxed.address({"id": 1}).tag_keys[-1:])
    with pytest.raises(SourceTimeout):
        read(relaxed, {"id": 1}, broken)
    frail_redis.kill()
    assert read(relaxed, {"id": 1}, lambda id: {"n": "new"}).value == {"n": "new"}


def test_a_server_that_turns_replica_under_load_costs_no_errors(frail_redis: RedisUnderTest, strict: Any) -> None:
    """Many threads read while it happens, several times."""
    done = threading.Event()

    def keep_reading() -> int:
        count = 0
        while not done.is_set():
            assert get_or_load(strict, {"id": count % 5}, load) == {"n": count % 5}
            count += 1
        return count

    readers = [in_thread(keep_reading) for _ in range(12)]
    with frail_redis.client() as raw:
        for _ in range(5):
            raw.replicaof("127.0.0.1", "1")
            wait_until(lambda: get_breaker("default").is_open, what="the breaker opens")
            raw.replicaof("NO", "ONE")
            close_breaker()
    done.set()
    assert all(result(reader) > 0 for reader in readers)
    assert counters.send()
