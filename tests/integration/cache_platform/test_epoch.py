"""Each new connection asks which server it leads to, and a server that is another one gets a new epoch."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import redis
from celery import Celery
from redis.connection import AbstractConnection

from cache_platform import read
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores import get_store
from cache_platform.stores.connection import get_breaker, get_client
from cache_platform.stores.lua import script
from tests.conftest import use_redis
from tests.faults.conftest import frail_redis
from tests.integration.cache_platform.test_read_path import never
from tests.integration.cache_platform.threads import in_thread, result
from tests.integration.test_rediss import tls_address, trusted
from tests.services.redis import RedisUnderTest

__all__ = ["frail_redis", "tls_address", "trusted"]

KEYS = ("cp:epoch", "cp:identity")
numbers = count(100)


def load(id: int) -> dict[str, int]:
    """A loader."""
    return {"n": id}


def new_pool(settings: Any) -> str:
    """An alias for the same server whose pool has no connections yet, and which no other thread uses."""
    number = next(numbers)
    alias = f"pool{number}"
    options = {"MAX_CONNECTIONS": number}  # a pool for each set of options
    settings.CACHES = {**settings.CACHES, alias: {**settings.CACHES["default"], "OPTIONS": options}}
    return alias


def reconnect(settings: Any) -> None:
    """Have the next read open a connection."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "ALIAS": new_pool(settings)}


@pytest.fixture
def asked_redis(redis_cache: RedisUnderTest, settings: Any) -> RedisUnderTest:
    """An empty Redis that nobody in this test has connected to yet."""
    reconnect(settings)
    return redis_cache


def kept(server: RedisUnderTest) -> list[Any]:
    """The epoch and the identity in the server, looked at by somebody else."""
    with server.client() as client:
        return client.mget(KEYS)


@contextmanager
def round_trips() -> Iterator[list[str]]:
    """The commands that this thread sends and waits for."""
    sent: list[str] = []
    here, send = threading.get_ident(), AbstractConnection.send_command

    def note(connection: Any, *command: Any, **options: Any) -> None:
        if threading.get_ident() == here:
            sent.append(str(command[0]))
        send(connection, *command, **options)

    with mock.patch.object(AbstractConnection, "send_command", note):
        yield sent


def test_the_server_is_asked_on_a_connection_and_known_on_the_next(asked_redis: RedisUnderTest, settings: Any) -> None:
    """The identity is what the server says of itself; the epoch stays as long as it says the same."""
    get_store().ping()
    epoch, identity = kept(asked_redis)
    with asked_redis.client() as client:
        info = client.info()
    assert identity.decode() == f"{info['run_id']} {info['master_replid']}"
    reconnect(settings)
    get_store().ping()
    assert kept(asked_redis) == [epoch, identity]


def test_a_hit_costs_one_round_trip_and_a_new_connection_one_more(
    redis_cache: RedisUnderTest, settings: Any, strict: Any
) -> None:
    """Nothing is asked on a connection that is open already."""
    read(strict, {"id": 1}, load)
    with round_trips() as sent:
        assert read(strict, {"id": 1}, never).cached
    assert sent == ["EVALSHA"]
    client = get_client(new_pool(settings))
    with round_trips() as sent:
        client.get("anything")
    assert sent == ["HELLO", "EVAL", "GET"]
    with round_trips() as sent:
        client.get("anything")
    assert sent == ["GET"]


def test_another_identity_ends_strict_entries_and_no_others(
    asked_redis: RedisUnderTest, settings: Any, strict: Any, relaxed: Any
) -> None:
    """As after a restart or a failover, when the generations in the server may be older than a write."""
    for policy in (strict, relaxed):
        read(policy, {"id": 1}, load)
    with asked_redis.client() as client:
        client.set("cp:identity", "somebody else")
    assert read(strict, {"id": 1}, never).cached  # this connection has been open all the time
    reconnect(settings)
    assert read(strict, {"id": 1}, load).source == "load"
    assert read(relaxed, {"id": 1}, never).cached
    assert read(strict, {"id": 1}, never).cached


@pytest.mark.parametrize("lost", KEYS)
def test_a_lost_key_is_a_miss(asked_redis: RedisUnderTest, settings: Any, strict: Any, lost: str) -> None:
    """Evicted or deleted, by whomever."""
    read(strict, {"id": 1}, load)
    with asked_redis.client() as client:
        client.delete(lost)
    reconnect(settings)
    assert read(strict, {"id": 1}, load).source == "load"
    assert all(kept(asked_redis))


def test_keys_of_other_types_are_replaced(asked_redis: RedisUnderTest, settings: Any, strict: Any) -> None:
    """Whatever stands there, a connection is to be had."""
    with asked_redis.client() as client:
        for key in KEYS:
            client.delete(key)
            client.rpush(key, "a list")
    reconnect(settings)
    assert read(strict, {"id": 1}, load).stored
    assert read(strict, {"id": 1}, never).cached


def test_a_primary_that_was_a_replica_is_another_one(frail_redis: RedisUnderTest, settings: Any, strict: Any) -> None:
    """The process is the same, what it holds may not be: master_replid changes."""
    read(strict, {"id": 1}, load)
    epoch, identity = kept(frail_redis)
    with frail_redis.client() as client:
        client.replicaof("127.0.0.1", "1")
        client.replicaof("NO", "ONE")
    reconnect(settings)
    assert read(strict, {"id": 1}, load).source == "load"
    new_epoch, new_identity = kept(frail_redis)
    assert new_epoch != epoch
    assert new_identity.split()[0] == identity.split()[0]
    assert new_identity != identity


def test_many_pools_at_once_set_one_epoch(
    frail_redis: RedisUnderTest, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Compare and set is one step: the first one sets the epoch, all others find the identity."""
    address = settings.CACHES["default"]
    aliases = [f"pool{number}" for number in range(12)]
    settings.CACHES = {
        "default": address,
        **{alias: {**address, "OPTIONS": {"MAX_CONNECTIONS": 20 + n}} for n, alias in enumerate(aliases)},
    }
    get_store().ping()
    with frail_redis.client() as client:
        client.set("cp:identity", "another server")
    get_client("default").connection_pool.disconnect(inuse_connections=False)
    caplog.set_level("INFO", "cache_platform.stores.identity")
    caplog.clear()
    start = threading.Barrier(len(aliases))

    def connect(alias: str) -> Any:
        start.wait(10)
        return get_client(alias).get("cp:epoch")

    threads = [in_thread(lambda alias=alias: connect(alias)) for alias in aliases]
    assert {result(each) for each in threads} == {kept(frail_redis)[0]}
    assert len([record for record in caplog.records if "not the server that it was" in record.message]) == 1


def test_a_replica_is_not_connected_to(frail_redis: RedisUnderTest, settings: Any) -> None:
    """Plain reads would work there; a server that cannot be bumped is not used at all."""
    with frail_redis.client() as client:
        client.replicaof("127.0.0.1", "1")
        with pytest.raises(redis.exceptions.ReadOnlyError):
            get_client("default").get("anything")
        with pytest.raises(StoreUnavailable, match="read-only"):
            get_store().ping()
        assert get_breaker("default").is_open
        client.replicaof("NO", "ONE")
    assert get_breaker("default").try_to_close()


def test_a_full_server_is_connected_to(frail_redis: RedisUnderTest, strict: Any) -> None:
    """It stores no entries, but what keeps strict reads right is small and must work."""
    with frail_redis.client() as client:
        client.config_set("maxmemory", client.info("memory")["used_memory"])
    outcome = read(strict, {"id": 1}, load)
    assert (outcome.value, outcome.stored) == ({"n": 1}, False)
    assert not get_breaker("default").is_open
    assert all(kept(frail_redis))


def test_a_server_that_hangs_when_asked_costs_one_timeout(frail_redis: RedisUnderTest, settings: Any) -> None:
    """The socket's timeout counts here too, and the breaker opens."""

    def pause_after_handshake(connection: Any) -> None:
        connection.on_connect()
        frail_redis.pause()

    arguments = {"redis_connect_func": pause_after_handshake}
    options = {"CONNECTION_POOL_KWARGS": arguments, "MAX_CONNECTIONS": next(numbers)}
    settings.CACHES = {"default": {**settings.CACHES["default"], "OPTIONS": options}}
    with round_trips() as sent, pytest.raises(StoreUnavailable, match="Timeout"):
        get_store().ping()
    assert sent.count("EVAL") == 1
    assert get_breaker("default").is_open
    frail_redis.resume()


def test_what_accepts_and_closes_is_asked_a_few_times_only(tmp_path: Path, settings: Any) -> None:
    """As a proxy without a server behind it: an attempt does not begin others from within."""
    accepted: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "closes"))
        listener.listen()

        def close_each() -> None:
            while True:
                accepted.append(listener.accept()[0])
                accepted[-1].close()

        in_thread(close_each)
        use_redis(settings, f"unix://{tmp_path / 'closes'}")
        with pytest.raises(StoreUnavailable):
            get_store().ping()
        get_breaker("default").reset()
        listener.shutdown(socket.SHUT_RDWR)
    assert 1 <= len(accepted) <= 4


def test_a_connection_that_could_not_ask_is_closed(redis_cache: RedisUnderTest, settings: Any) -> None:
    """Whatever stopped it, a task's time limit for one: a connection left open would pass for a known one."""
    client = get_client(new_pool(settings))
    stopped = mock.patch("cache_platform.stores.identity._identify", side_effect=KeyboardInterrupt)
    with stopped, pytest.raises(KeyboardInterrupt):
        client.ping()
    with round_trips() as sent:
        client.ping()
    assert sent == ["HELLO", "EVAL", "PING"]


def test_the_options_of_a_project_are_kept(redis_cache: RedisUnderTest, settings: Any) -> None:
    """Its own function for new connections runs first, then the server is asked; other arguments reach redis-py."""
    made: list[str] = []

    def connect(connection: Any) -> None:
        connection.on_connect()
        made.append(connection.client_name)

    arguments = {"redis_connect_func": connect, "client_name": "shop", "protocol": 2}
    options = {"CONNECTION_POOL_KWARGS": arguments, "MAX_CONNECTIONS": next(numbers)}
    settings.CACHES = {"default": {**settings.CACHES["default"], "OPTIONS": options}}
    assert get_client("default").client_getname() == "shop"
    assert made == ["shop"]
    assert all(kept(redis_cache))


def test_nobody_elses_connections_ask(redis_server: RedisUnderTest) -> None:
    """Plain clients and Celery's."""
    with redis_server.client() as client:
        client.ping()
    app = Celery(broker=f"redis+socket://{redis_server.socket}", set_as_current=False)  # tasks stay the site's
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
    assert kept(redis_server) == [None, None]


def test_a_server_that_does_not_name_itself_is_another_one_each_time(redis_server: RedisUnderTest) -> None:
    """Some managed servers say less than Redis does: misses then, never an entry from before a write."""
    _sha, text = script("identify")
    shebang, _, body = text.partition("\n")
    silent = f"{shebang}\nlocal real = redis\nlocal redis = setmetatable({{}}, {{__index = real}})\n" + (
        "redis.call = function(name, ...) if name == 'INFO' then return '' end return real.call(name, ...) end\n"
    )
    with redis_server.client() as client:
        answers = [(client.eval(silent + body, 2, *KEYS, "00"), client.get("cp:epoch")) for _ in range(3)]
        assert client.get("cp:identity") is None
    assert Counter(answer for answer, _epoch in answers) == {1: 3}
    assert len({epoch for _answer, epoch in answers}) == 3


def test_an_answer_that_was_lost_does_not_matter(redis_server: RedisUnderTest) -> None:
    """Sent again with the same random bits, the script finds the identity that it left."""
    _sha, text = script("identify")
    with redis_server.client() as client:
        assert client.eval(text, 2, *KEYS, "00") == 1
        epoch = client.get("cp:epoch")
        assert client.eval(text, 2, *KEYS, "00") == 0
        assert client.get("cp:epoch") == epoch
        client.delete("cp:identity")
        assert client.eval(text, 2, *KEYS, "00") == 1
        assert client.get("cp:epoch") != epoch


@pytest.mark.system
def test_the_server_is_asked_over_tls(trusted: str, settings: Any, strict: Any) -> None:
    """Debian's redis-server, rediss://."""
    use_redis(settings, trusted)
    assert read(strict, {"id": 1}, load).stored
    client = get_client("default")
    epoch, identity = client.mget(KEYS)
    reconnect(settings)
    assert read(strict, {"id": 1}, never).cached
    client.set("cp:identity", "somebody else")
    reconnect(settings)
    assert read(strict, {"id": 1}, load).source == "load"
    assert client.get("cp:epoch") != epoch
    assert client.get("cp:identity") == identity


@pytest.mark.system
def test_debians_redis_is_asked_too(debian_redis: RedisUnderTest, settings: Any, strict: Any) -> None:
    """Redis 7.0, full as well."""
    use_redis(settings, debian_redis.url)
    with debian_redis.client() as client:
        client.config_set("maxmemory", client.info("memory")["used_memory"])
    assert read(strict, {"id": 1}, load).value == {"n": 1}
    assert all(kept(debian_redis))
