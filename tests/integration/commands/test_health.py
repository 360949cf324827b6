"""`manage.py cache_health`: what it looks at, what it says is wrong, and what it exits with."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command
from django.utils import timezone

from cache_platform import health
from cache_platform.commands import looking
from cache_platform.commands.looking import OutboxLook
from cache_platform.health import Part
from cache_platform.management.commands import cache_stats
from cache_platform.models import OutboxRow
from cache_platform.stores import get_store
from cache_platform.stores.connection import get_breaker
from cache_platform.testing import isolated_cache
from tests.conftest import use_redis
from tests.integration.commands.running import Ran, Terminal, run
from tests.services.redis import RedisUnderTest

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis(redis_cache: RedisUnderTest, settings: Any) -> RedisUnderTest:
    """A Redis, and an outbox to look at."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": ["default"]}
    return redis_cache


def look(*arguments: str, **options: Any) -> Ran:
    return run("cache_health", *arguments, **options)


@pytest.mark.usefixtures("redis")
def test_all_is_well() -> None:
    """The body of /health, with each server's breaker and memory, and what waits in the outbox."""
    found = look("--json")
    assert (found.code, found.err) == (0, "")
    body = found.json
    assert (body["status"], body["reasons"], body["outbox"]) == ("healthy", [], {"rows": 0, "oldestSeconds": None})
    assert body.keys() >= health.report()[1].keys()
    assert body["redis"].items() >= {"status": "healthy", "connected": True, "breaker": "closed"}.items()
    assert body["redis"]["used_memory"] > 0
    assert body["redis"]["latencyMs"] >= 0
    assert body["database"]["connected"] is True


@pytest.mark.usefixtures("redis")
def test_plain_lines_and_a_terminal() -> None:
    """The same words; colours for a terminal alone, and there not with NO_COLOR."""
    plain = look()
    assert plain.out.splitlines()[0] == "healthy"
    assert ["outbox", "healthy", "0", "rows"] in plain.rows
    assert "\x1b" not in plain.out
    assert "\x1b[1;32mhealthy" in look(terminal=True).out


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.usefixtures("redis")
def test_parts_and_states_are_whole_at_any_width(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """What is said of a part goes on below rather than taking their room, and is all there."""
    monkeypatch.setenv("COLUMNS", str(width))
    table = look(terminal=True).seen.splitlines()[2:]
    assert all(len(line.rstrip()) <= width for line in table)
    assert [line.split()[:2] for line in table if line[0] != " "] == [row[:2] for row in look().rows[1:]]
    assert "breaker closed" in " ".join(" ".join(table).split())


@pytest.mark.usefixtures("redis")
def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of errors too."""
    monkeypatch.setenv("NO_COLOR", "1")
    found = look(terminal=True)
    assert "healthy" in found.out
    assert "\x1b[1;3" not in found.out
    assert "\x1b[3" not in found.out
    assert "\x1b" not in wrong_policy()
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[31" in wrong_policy()


def wrong_policy() -> str:
    """What a command says of an error on a terminal, as manage.py makes it there."""
    err = Terminal()
    command = cache_stats.Command(stdout=Terminal(), stderr=err, force_color=True)
    with pytest.raises(SystemExit):
        call_command(command, "--policy=no.such")
    return err.getvalue()


@pytest.mark.parametrize("hang", [True, False], ids=["hung", "gone"])
def test_without_redis_it_is_degraded(redis: RedisUnderTest, hang: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Exit code 1: the site goes on. The reason is told once, without a traceback, and without the log's lines."""
    (redis.pause if hang else redis.kill)()
    caplog.set_level(logging.INFO)
    found = look("--json")
    assert [each for each in caplog.records if each.name.startswith("cache_platform")] == []
    assert (found.code, found.err) == (1, "")
    body = found.json
    assert body["status"] == "degraded"
    assert body["redis"].items() >= {"status": "unavailable", "connected": False, "breaker": "open"}.items()
    assert len(body["reasons"]) == 1
    assert body["reasons"][0].startswith("redis is away, so entries are not cached: ")
    assert body["outbox"]["rows"] == 0


def test_a_replica_that_answers_is_away(redis: RedisUnderTest) -> None:
    """It takes no writes: a ping would not have said so."""
    get_store().ping()  # on a connection that is there already: a new one would find out by itself
    with redis.client() as raw:
        raw.execute_command("REPLICAOF", "127.0.0.1", "1")
        try:
            with mock.patch("cache_platform.health.services", return_value={}):  # whose read would be refused as well
                found = look("--json")
        finally:
            raw.execute_command("REPLICAOF", "NO", "ONE")
    assert (found.code, found.json["redis"]["connected"]) == (1, False)
    assert "read-only" in found.json["reasons"][0].lower() or "replica" in found.json["reasons"][0].lower()


def test_a_full_redis_is_told(redis: RedisUnderTest) -> None:
    """It answers, and keeps nothing more."""
    redis.limit_memory("1mb")
    found = look("--json")
    assert (found.code, found.json["status"]) == (1, "degraded")
    assert found.json["redis"]["connected"] is True
    assert "redis is full" in found.json["reasons"][0]


def test_a_full_one_that_evicts_is_well(redis: RedisUnderTest) -> None:
    """That is what it is for."""
    redis.limit_memory("1mb", policy="allkeys-lfu")
    assert look().code == 0


def test_the_server_for_state_is_looked_at(redis: RedisUnderTest, state_redis: RedisUnderTest, settings: Any) -> None:
    """By its own name and breaker."""
    use_redis(settings, redis.url, state=state_redis.url)
    assert look("--json").json["state"]["breaker"] == "closed"
    state_redis.pause()
    body = look("--json").json
    state_redis.resume()
    assert (body["redis"]["connected"], body["state"]["connected"]) == (True, False)
    assert body["reasons"][0].startswith("state is away, so limits hold for each process by itself: ")
    get_breaker("state").reset()


@pytest.mark.usefixtures("redis")
def test_what_waits_in_the_outbox_too_long() -> None:
    """A new row is nothing; an old one says that no relay runs."""
    row = OutboxRow.objects.create(tags="user:1", token="0" * 16)
    found = look("--json")
    assert (found.code, found.json["outbox"]["rows"]) == (0, 1)
    OutboxRow.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(minutes=3))
    found = look("--json")
    assert found.code == 1
    assert 180 <= found.json["outbox"]["oldestSeconds"] < 240
    assert found.json["reasons"] == [
        "1 write in the outbox, the oldest for 3 min: does a relay run (manage.py cache_relay)?"
    ]


@pytest.mark.usefixtures("redis")
def test_without_the_database_it_is_unhealthy() -> None:
    """Exit code 2; what is in the outbox is not asked, and not known."""
    away = Part(up=False, error="OperationalError: gone")
    with mock.patch.object(health.database_probe, "ask", return_value=away):
        found = look("--json")
        plain = look()
    assert (found.code, found.json["status"], found.json["outbox"]) == (2, "unhealthy", None)
    assert found.json["reasons"] == ["the database does not answer: OperationalError: gone"]
    assert plain.rows[0] == ["unhealthy"]


def test_a_failing_service_is_told(redis: RedisUnderTest) -> None:
    """With its figures."""
    failing = {"weather": {"status": "failing", "loads": 1, "errors": 7}}
    with mock.patch("cache_platform.health.services", return_value=failing):
        found = look("--json")
    assert found.code == 1
    assert found.json["reasons"] == ["the service weather fails: 7 errors, 1 loads in 5 minutes"]


def test_memory_is_told_apart() -> None:
    """It is this process's own; the exit code is that of the rest."""
    with isolated_cache():
        found = look("--json")
    assert (found.code, found.json["redis"]["status"]) == (0, "not-configured")
    assert found.err.startswith("warning: entries are kept in each process's memory")


class TestOutboxLook:
    """A database that hangs."""

    @pytest.fixture
    def hanging(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[mock.Mock]:
        """Its outbox cannot be read until the test is over."""
        import threading

        over = threading.Event()
        databases = mock.Mock(side_effect=lambda: over.wait(20) and [])
        monkeypatch.setattr(looking.outbox, "databases", databases)
        monkeypatch.setattr(looking, "OUTBOX_PATIENCE", 0.01)
        yield databases
        over.set()

    def test_one_question_at_a_time(self, hanging: mock.Mock) -> None:
        """Nobody waits longer than agreed, and the second asks nobody."""
        look = OutboxLook()
        assert (look.ask(), look.error) == (None, "it does not answer")
        assert look.ask() is None
        assert hanging.call_count == 1
