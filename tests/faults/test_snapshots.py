"""A Redis that comes back with what it held before a write, and one that takes over without having heard of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cache_platform import invalidate, read
from cache_platform.stores import get_store
from cache_platform.stores.connection import get_breaker, get_client
from cache_platform.stores.redis import RedisStore
from config.services.ports import free_port
from tests.faults.other_reader import PATIENT, POLICY, other_reader
from tests.integration.cache_platform.conftest import relaxed, strict
from tests.integration.cache_platform.test_read_path import never
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until

__all__ = ["relaxed", "strict"]

TAG = "cp:tag:user:1"


@pytest.fixture(autouse=True)
def patience(frail_redis: RedisUnderTest, settings: Any) -> None:
    """What matters here is what is answered, however long a busy machine takes to answer."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "OPTIONS": PATIENT}}


def old(id: int) -> dict[str, str]:
    """What the source said before the write."""
    return {"value": "old"}


def new(id: int) -> dict[str, str]:
    """What it says since."""
    return {"value": "new"}


def save(server: RedisUnderTest) -> None:
    """Have the server write its snapshot."""
    with server.client() as client:
        client.save()


def restart_from_snapshot(server: RedisUnderTest) -> None:
    """`kill -9`, then a start with what was saved; this process's own threads may have noticed."""
    server.kill()
    server.start()
    breaker = get_breaker("default")
    wait_until(lambda: not breaker.is_open or breaker.try_to_close(), what="the breaker closes")


def value_of(server: RedisUnderTest, key: str) -> Any:
    """What lies under a key, looked at by somebody else."""
    with server.client() as client:
        return client.get(key)


def test_an_older_snapshot_brings_nothing_old_back(frail_redis: RedisUnderTest, strict: Any) -> None:
    """The old entry and the generation that it was stored under are both back, and are not served."""
    key = strict.address({"id": 1}).key
    read(strict, {"id": 1}, old)
    entry, generation = value_of(frail_redis, key), value_of(frail_redis, TAG)
    save(frail_redis)
    assert invalidate("user:1") == 1
    assert read(strict, {"id": 1}, new).value == {"value": "new"}
    restart_from_snapshot(frail_redis)
    assert (value_of(frail_redis, key), value_of(frail_redis, TAG)) == (entry, generation)
    assert read(strict, {"id": 1}, new).value == {"value": "new"}
    assert read(strict, {"id": 1}, never).value == {"value": "new"}


def test_a_pool_that_was_idle_throughout_serves_nothing_old(
    frail_redis: RedisUnderTest, strict: Any, settings: Any
) -> None:
    """Its connections were opened before the snapshot and led nowhere since."""
    default = settings.CACHES["default"]
    settings.CACHES = {"default": default, "idle": {**default, "OPTIONS": {**PATIENT, "MAX_CONNECTIONS": 7}}}
    idle = RedisStore("idle")
    read(strict, {"id": 1}, old)
    assert get_client("idle").ping()
    assert get_client("idle").connection_pool is not get_client("default").connection_pool
    save(frail_redis)
    generation = value_of(frail_redis, TAG)
    invalidate("user:1")
    restart_from_snapshot(frail_redis)
    found = idle.lookup([_lookup(strict)])[0]
    assert found.superseded
    assert found.blob is None
    assert value_of(frail_redis, TAG) == generation


def _lookup(policy: Any) -> Any:
    """A lookup that wants no lease."""
    from cache_platform.reading import Reading

    return Reading(policy, {"id": 1}, lambda: None, None).lookup(lease=False)


def test_a_process_that_was_idle_throughout_serves_nothing_old(frail_redis: RedisUnderTest) -> None:
    """It read before the snapshot, and reads again when all is over."""
    with other_reader(frail_redis.url) as other:
        assert other.read("old") == ["old", "load"]
        assert other.read("never") == ["old", "hit"]
        save(frail_redis)
        invalidate("user:1")
        assert read(POLICY, {"id": 1}, new).value == {"value": "new"}
        restart_from_snapshot(frail_redis)
        assert other.read("new")[0] == "new"
        wait_until(lambda: other.read("new") == ["new", "hit"], what="hits again")


def test_a_process_that_starts_afterwards_serves_nothing_old(frail_redis: RedisUnderTest) -> None:
    """The first to ask the restarted server is a process that never saw the other one."""
    read(POLICY, {"id": 1}, old)
    save(frail_redis)
    invalidate("user:1")
    restart_from_snapshot(frail_redis)
    with other_reader(frail_redis.url) as other:
        assert other.read("new") == ["new", "load"]
        assert other.read("never") == ["new", "hit"]


def test_relaxed_entries_outlive_a_restart(frail_redis: RedisUnderTest, relaxed: Any) -> None:
    """Weather is not asked for anew because Redis was restarted."""
    read(relaxed, {"id": 1}, old)
    save(frail_redis)
    restart_from_snapshot(frail_redis)
    get_store().ping()
    outcome = read(relaxed, {"id": 1}, never)
    assert (outcome.source, outcome.detail) == ("hit", "")


def test_a_load_begun_before_the_restart_is_not_stored_after_it(frail_redis: RedisUnderTest, strict: Any) -> None:
    """Its generations are back as well; the epoch is not."""

    def overtaken(id: int) -> dict[str, str]:
        save(frail_redis)
        invalidate("user:1")
        restart_from_snapshot(frail_redis)
        return {"value": "old"}

    assert not read(strict, {"id": 1}, overtaken).stored
    assert read(strict, {"id": 1}, new).value == {"value": "new"}


@pytest.fixture
def replica(frail_redis: RedisUnderTest, tmp_path: Path) -> Iterator[RedisUnderTest]:
    """A replica of `frail_redis`, in step with it."""
    port = free_port()
    with RedisUnderTest(tmp_path / "replica") as server, server.client() as client:
        with frail_redis.client() as primary:
            primary.config_set("bind", "127.0.0.1")
            primary.config_set("port", port)
        client.config_set("repl-diskless-sync-delay", 0)
        client.replicaof("127.0.0.1", port)
        wait_until(lambda: client.info("replication")["master_link_status"] == "up", what="the replica is in step")
        yield server


def test_a_failover_brings_nothing_old_back(
    frail_redis: RedisUnderTest, replica: RedisUnderTest, strict: Any, relaxed: Any, settings: Any
) -> None:
    """A replica that never heard of the write takes over: it has the old entry, its generation and the old epoch."""
    for policy in (strict, relaxed):
        read(policy, {"id": 1}, old)
    last = relaxed.address({"id": 1}).key
    wait_until(lambda: value_of(replica, last) is not None, what="the entries reach the replica")
    with replica.client() as client:
        client.replicaof("NO", "ONE")
        left_behind = [strict.address({"id": 1}).key, TAG, "cp:epoch", "cp:identity"]
        with frail_redis.client() as primary:
            assert client.mget(left_behind) == primary.mget(left_behind)
    epoch = value_of(replica, "cp:epoch")
    invalidate("user:1")
    frail_redis.kill()
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": replica.url}}
    get_breaker("default").reset()
    assert read(strict, {"id": 1}, new).value == {"value": "new"}
    assert value_of(replica, "cp:epoch") != epoch
    assert read(relaxed, {"id": 1}, never).cached
