"""Writes while Redis is away, over several real processes: nothing old is read once they have returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.actors import Actor, Line, RelayProcess
from tests.services.databases import empty_tables
from tests.services.redis import RedisUnderTest
from tests.services.site import base_environment
from tests.services.waiting import wait_until

NUMBER = 7
ActorFactory = Callable[..., Actor]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisUnderTest]:
    """A Redis of this test's own."""
    with RedisUnderTest(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def environment(
    tmp_path: Path,
    redis: RedisUnderTest,
    postgres_url: str,
    postgres_alias: str,
    django_db_blocker: Any,
) -> Iterator[dict[str, str]]:
    """What all processes of this test have in common."""
    with django_db_blocker.unblock():
        empty_tables(postgres_alias)
        yield base_environment(tmp_path, REDIS_URL=redis.url, DATABASE_URL=postgres_url)
        empty_tables(postgres_alias)


@pytest.fixture
def actor(environment: dict[str, str]) -> Iterator[ActorFactory]:
    """Start processes: `actor(REDIS_URL=…)`."""
    with ExitStack() as stack:

        def start(*, settings: dict[str, Any] | None = None, **variables: str) -> Actor:
            return stack.enter_context(Actor({**environment, **variables}, **(settings or {})))

        yield start


@pytest.fixture
def relay(environment: dict[str, str]) -> Iterator[RelayProcess]:
    """The relay, with its own line to Redis."""
    with RelayProcess(environment) as process:
        yield process


def cached_by(*actors: Actor, name: str) -> None:
    """Have the entry be a hit for each of them."""
    for each in actors:
        each.read(NUMBER)
        found = each.ask(do="read", id=NUMBER)
        assert (found["value"], found["cached"]) == (name, True)


def pause(redis: RedisUnderTest) -> Callable[[], None]:
    """Redis hangs; then it goes on, with all that it had."""
    redis.pause()
    return redis.resume


def kill(redis: RedisUnderTest) -> Callable[[], None]:
    """Redis refuses connections; then it is there again, empty."""
    redis.kill()
    return redis.restart_empty


def snapshot(redis: RedisUnderTest) -> Callable[[], None]:
    """Redis refuses connections; then it is there again with what it had before: entries and their generations."""
    with redis.client() as raw:
        raw.save()
    redis.kill()
    return redis.start


OUTAGES = [
    (pause, True), (kill, False), (snapshot, True),
    *(pytest.param(*rest, marks=pytest.mark.long) for rest in [(pause, False), (kill, True), (snapshot, False)]),
]  # fmt: skip
"""Each with a relay or without."""


@pytest.mark.parametrize(("outage", "relayed"), OUTAGES)
def test_nothing_old_is_read_after_an_outage(
    request: pytest.FixtureRequest,
    actor: ActorFactory,
    redis: RedisUnderTest,
    outage: Callable[[RedisUnderTest], Callable[[], None]],
    relayed: bool,
) -> None:
    """By the writer, by a process that was idle throughout, and by one that starts afterwards."""
    if relayed:
        request.getfixturevalue("relay")
    writer, idle = actor(), actor()
    writer.ask(do="write", id=NUMBER, name="old")
    cached_by(writer, idle, name="old")
    for name in ("new", "newer"):
        end = outage(redis)
        writer.ask(do="write", id=NUMBER, name=name)
        end()
        assert idle.read(NUMBER) == name
        assert actor().read(NUMBER) == name
        assert writer.read(NUMBER) == name
        wait_until(lambda: idle.ask(do="read", id=NUMBER)["cached"], what="hits again")
        assert idle.read(NUMBER) == name
        wait_until(lambda: writer.ask(do="rows")["rows"] == 0, what="the outbox is drained")


@pytest.mark.parametrize("relayed", [True, False], ids=["with relay", "without relay"])
def test_writer_cut_off_alone(
    request: pytest.FixtureRequest, actor: ActorFactory, redis: RedisUnderTest, tmp_path: Path, relayed: bool
) -> None:
    """Its own write returns once somebody has told the others, or when nobody believes Redis without having looked."""
    if relayed:
        request.getfixturevalue("relay")
    with Line(tmp_path, redis.socket) as line:
        writer, other = actor(REDIS_URL=line.url), actor()
        writer.ask(do="write", id=NUMBER, name="old")
        cached_by(writer, other, name="old")
        line.cut()
        for name in ("new", "newer", "newest"):
            writer.ask(do="write", id=NUMBER, name=name)
            assert other.read(NUMBER) == name
            assert writer.read(NUMBER) == name
            assert writer.ask(do="rows")["rows"] == 0
        line.mend()
        wait_until(lambda: writer.ask(do="read", id=NUMBER)["cached"], what="hits again")
        assert writer.read(NUMBER) == "newest"


def test_redis_that_refuses_to_be_written_to(actor: ActorFactory, redis: RedisUnderTest) -> None:
    """NOREPLICAS: it would still answer reads and PING; nobody believes it, and nothing old is read afterwards."""
    writer, idle = actor(), actor()
    writer.ask(do="write", id=NUMBER, name="old")
    cached_by(writer, idle, name="old")
    with redis.client() as raw:
        raw.config_set("min-replicas-to-write", 1)
        writer.ask(do="write", id=NUMBER, name="new")
        raw.config_set("min-replicas-to-write", 0)
    assert idle.read(NUMBER) == "new"
    assert actor().read(NUMBER) == "new"


def test_process_that_was_stopped_throughout(actor: ActorFactory, redis: RedisUnderTest) -> None:
    """It slept through outage and write, and takes nothing for granted when it wakes up."""
    writer, stopped = actor(), actor()
    writer.ask(do="write", id=NUMBER, name="old")
    cached_by(writer, stopped, name="old")
    with stopped.stopped():
        redis.pause()
        writer.ask(do="write", id=NUMBER, name="new")
        redis.resume()
    assert stopped.read(NUMBER) == "new"


def test_relay_killed_between_writes(
    actor: ActorFactory, relay: RelayProcess, redis: RedisUnderTest, tmp_path: Path
) -> None:
    """Another one goes on where it was: rows are deleted only after their bumps."""
    with Line(tmp_path, redis.socket) as line:
        writer, other = actor(REDIS_URL=line.url), actor()
        writer.ask(do="write", id=NUMBER, name="old")
        cached_by(writer, other, name="old")
        line.cut()
        writer.tell(do="write", id=NUMBER, name="new")
        relay.kill()
        writer._answer()
        wait_until(lambda: writer.ask(do="rows")["rows"] == 0, what="the new relay has drained it")
        assert other.read(NUMBER) == "new"


KILLED = [
    ("update", True), ("hold", False), ("commit", True), ("bump", False),
    *(
        pytest.param(*rest, marks=pytest.mark.long)
        for rest in [("update", False), ("hold", True), ("commit", False), ("bump", True)]
    ),
]  # fmt: skip
"""After which step, and whether Redis is there."""


@pytest.mark.parametrize(("step", "with_redis"), KILLED)
def test_writer_killed_after_each_step(actor: ActorFactory, redis: RedisUnderTest, step: str, with_redis: bool) -> None:
    """kill -9: the others read what the database has, and the tag can be cached again once the hold has lapsed."""
    writer, other = actor(settings={"HOLD_SECONDS": 1.5}), actor()
    writer.ask(do="write", id=NUMBER, name="old")
    cached_by(writer, other, name="old")
    if not with_redis:
        redis.pause()
    writer.tell(do="write", id=NUMBER, name="new", die_after=step)
    writer.wait_until_dead()
    if not with_redis:
        redis.resume()
    expected = "new" if step in {"commit", "bump"} else "old"
    assert other.read(NUMBER) == expected
    assert actor().read(NUMBER) == expected
    wait_until(lambda: other.ask(do="read", id=NUMBER)["cached"], what="hits again")
    assert other.read(NUMBER) == expected
