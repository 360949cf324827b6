"""What somebody who can write to Redis can do: spoil a value, never more. Nothing fails, and it heals by itself."""

from __future__ import annotations

import msgspec
import pytest
import redis

from cache_platform import CachePolicy, Read, get_or_load, invalidate, read
from cache_platform.entries import parse
from cache_platform.statistics import counters, read_window
from cache_platform.stores.connection import get_breaker
from cache_platform.stores.redis import RedisStore
from tests.conftest import RedisUnderTest
from tests.integration.cache_platform.conftest import strict

__all__ = ["strict"]

Policy = CachePolicy[dict[str, int]]


@pytest.fixture
def raw(redis_cache: RedisUnderTest) -> redis.Redis:
    """The attacker's connection."""
    with redis_cache.client() as client:
        yield client


def load(id: int) -> dict[str, int]:
    """A loader."""
    return {"n": id}


def read_one(policy: Policy) -> Read[dict[str, int]]:
    """The read under attack."""
    outcome = read(policy, {"id": 1}, load)
    assert outcome.value == {"n": 1}
    assert not get_breaker("default").is_open
    return outcome


@pytest.mark.parametrize(
    "second_line",
    [
        b"9" * 400 + b" 1 1 1 m",
        b"1 1 999999999999999 999999999999999 m",
        b"5 4 3 2 m",
        b"-1 1 1 1 m",
        b"1 1 1 m",
        b"",
    ],
)
def test_planted_times_are_a_miss(raw: redis.Redis, strict: Policy, second_line: bytes) -> None:
    """Times that are none, or that would keep an entry for ever."""
    read_one(strict)
    key = strict.address({"id": 1}).key
    stored = raw.get(key)
    head, _, body = stored.split(b"\n", 2)
    raw.set(key, head + b"\n" + second_line + b"\n" + body)
    assert not read_one(strict).cached
    assert read_one(strict).cached


@pytest.mark.parametrize("body", [b"\x91" * 100_000 + b"\x00", b"\xc1", b"", msgspec.msgpack.encode([1, 2])])
def test_planted_bodies_are_a_miss(raw: redis.Redis, strict: Policy, body: bytes) -> None:
    """Nested a hundred thousand deep, not MessagePack, or of another type."""
    read_one(strict)
    key = strict.address({"id": 1}).key
    head, times, _ = raw.get(key).split(b"\n", 2)
    raw.set(key, head + b"\n" + times + b"\n" + body)
    assert not read_one(strict).cached
    assert read_one(strict).cached


def test_a_planted_ttl_does_not_reach_clients(raw: redis.Redis, strict: Policy) -> None:
    """An entry from the far future is not fresh for longer than its policy's longest life."""
    read_one(strict)
    key = strict.address({"id": 1}).key
    entry = parse(raw.get(key))
    head, _, body = raw.get(key).split(b"\n", 2)
    later = entry.times.loaded + 10**13
    raw.set(key, head + f"\n{later} {later + 1000} {later + 60_000} {later + 60_000} m\n".encode() + body)
    assert read_one(strict).ttl <= 60


@pytest.mark.parametrize("value", [b"\xff\xfe", b"0", b"", b"g" * 16, b"0123456789abcdef 12:34:56 x", b" "])
def test_a_planted_generation_is_replaced(raw: redis.Redis, strict: Policy, value: bytes) -> None:
    """What is no generation counts as missing."""
    read_one(strict)
    raw.set("cp:tag:user:1", value)
    read_one(strict)
    assert read_one(strict).cached
    assert invalidate("user:1") == 1
    assert not read_one(strict).cached


@pytest.mark.parametrize("name", ["cp:tag:user:1", "cp:epoch", "entry", "lease"])
def test_a_planted_list_is_replaced(raw: redis.Redis, strict: Policy, name: str) -> None:
    """A key of another type fails no script."""
    address = strict.address({"id": 1})
    key = {"entry": address.key, "lease": address.lease_key}.get(name, name)
    raw.delete(key)
    raw.rpush(key, "planted")
    read_one(strict)
    assert read_one(strict).cached
    raw.delete("cp:tag:user:1")
    raw.rpush("cp:tag:user:1", "planted")
    assert invalidate("user:1") == 1


@pytest.mark.parametrize("lease", [b"Z ab 0", b"L ab 0", b"B 99999999999999 1", b"B zz 1", b"N ab 0", b"\xff", b"L"])
def test_a_planted_lease_keeps_nobody_away(raw: redis.Redis, strict: Policy, lease: bytes) -> None:
    """A lease without an end, a back-off of years, or nonsense."""
    raw.set(strict.address({"id": 1}).lease_key, lease)
    assert read_one(strict).source == "load"


def test_planted_counters_lose_no_others(raw: redis.Redis, strict: Policy) -> None:
    """A counter that is no number, or a bucket of another type."""
    read_one(strict)
    counters.send()
    for bucket in raw.scan_iter("cp:{stats}:[mh]:*"):
        raw.hset(bucket, "test.strict|hits", "many")
    assert read_window("5m")["test.strict"]["misses"] == 1
    read_one(strict)
    assert read_window("5m")["test.strict"]["hits"] == 1
    for bucket in raw.scan_iter("cp:{stats}:*"):
        raw.delete(bucket)
        raw.rpush(bucket, "planted")
    counters.add("test.strict", {"hits": 1})
    assert counters.send()
    assert not get_breaker("default").is_open


def test_a_planted_log_is_replaced(raw: redis.Redis, redis_cache: RedisUnderTest) -> None:
    """A list where a sorted set belongs."""
    from cache_platform.stores.base import Log

    raw.rpush("cp:limit:x", "planted")
    store = RedisStore("default")
    log = [Log(key="cp:limit:x", limit=1, window_ms=60_000)]
    assert store.take(log, "a").allowed
    assert not store.take(log, "b").allowed


def test_a_planted_not_found_is_an_answer_and_not_an_error(raw: redis.Redis, strict: Policy) -> None:
    """The worst that a spoilt value can be."""
    read_one(strict)
    key = strict.address({"id": 1}).key
    head, times, _ = raw.get(key).split(b"\n", 2)
    raw.set(key, head + b"\n" + times[:-1] + b"n\n")
    assert get_or_load(strict, {"id": 1}, load) is None
