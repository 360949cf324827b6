"""What `manage.py check --deploy` says of servers that evict, asked of real ones."""

from __future__ import annotations

from typing import Any

import pytest

from cache_platform.checks import check_servers
from cache_platform.stores.connection import get_breaker
from tests.conftest import use_redis
from tests.services.redis import RedisUnderTest


def ids() -> list[str | None]:
    """The ids of what the check finds now."""
    return [message.id for message in check_servers(None)]


@pytest.mark.parametrize(
    ("maxmemory", "policy", "expected"),
    [
        ("64mb", "noeviction", []),
        ("64mb", "volatile-lfu", ["cache_platform.W005"]),
        ("64mb", "allkeys-lru", ["cache_platform.W005"]),
        ("0", "allkeys-lru", []),
    ],
)
def test_the_only_server_must_not_evict(
    redis_cache: RedisUnderTest, maxmemory: str, policy: str, expected: list[str]
) -> None:
    """Without a maxmemory nothing is evicted, whatever the policy says."""
    redis_cache.limit_memory(maxmemory, policy=policy)
    assert ids() == expected


@pytest.mark.parametrize(
    ("entries", "state", "expected"),
    [
        ("allkeys-lfu", "noeviction", []),
        ("noeviction", "noeviction", []),
        ("noeviction", "allkeys-lfu", ["cache_platform.W005"]),
    ],
)
def test_the_server_for_state_must_not_evict(
    redis_server: RedisUnderTest, state_redis: RedisUnderTest, settings: Any, entries: str, state: str,
    expected: list[str],
) -> None:  # fmt: skip
    """The one for entries may, then."""
    use_redis(settings, redis_server.url, state=state_redis.url)
    redis_server.limit_memory("64mb", policy=entries)
    state_redis.limit_memory("64mb", policy=state)
    assert ids() == expected


def test_it_says_what_to_do(redis_cache: RedisUnderTest) -> None:
    """The policy that is there, the one that should be, and the variable for another server; no address."""
    redis_cache.limit_memory("64mb", policy="volatile-ttl")
    (message,) = check_servers(None)
    assert "'default'" in message.msg
    assert "volatile-ttl" in message.msg
    assert "noeviction" in str(message.hint)
    assert "REDIS_STATE_URL" in str(message.hint)
    assert str(redis_cache.socket) not in str(message)


@pytest.mark.parametrize("hurt", ["kill", "pause"])
def test_a_server_that_is_away_is_no_failure(
    redis_server: RedisUnderTest, state_redis: RedisUnderTest, settings: Any, hurt: str
) -> None:
    """Where the site is checked there may be none: told, and below a warning; the other one is asked all the same."""
    use_redis(settings, redis_server.url, state=state_redis.url)
    getattr(redis_server, hurt)()
    state_redis.limit_memory("64mb", policy="allkeys-lru")
    messages = check_servers(None)
    assert [each.id for each in messages] == ["cache_platform.I001", "cache_platform.W005"]
    assert not messages[0].is_serious()
    get_breaker("default").reset()


def test_a_server_that_blocks_config_is_asked_all_the_same(redis_server: RedisUnderTest, settings: Any) -> None:
    """As hosted ones do."""
    redis_server.limit_memory("64mb", policy="allkeys-lru")
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "site", "on", ">secret", "~*", "&*", "+@all", "-config")
        try:
            use_redis(settings, redis_server.url.replace("unix://", "unix://site:secret@"))
            assert ids() == ["cache_platform.W005"]
        finally:
            client.execute_command("ACL", "DELUSER", "site")
