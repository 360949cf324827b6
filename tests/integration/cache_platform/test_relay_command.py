"""`manage.py cache_relay`: one drain or many, its exit codes and what it says."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from cache_platform import outbox, peek, relay
from cache_platform.models import OutboxRow
from tests.faults.conftest import frail_redis
from tests.integration.cache_platform.test_relay import drained, drained_here, thing
from tests.services.databases import added_database
from tests.services.redis import RedisUnderTest

__all__ = ["drained_here", "frail_redis", "thing"]


def once(*options: str) -> tuple[Any, str, str]:
    """What `manage.py cache_relay --once` exits with (None: well), and what it says on each stream."""
    out, err = StringIO(), StringIO()
    code = None
    try:
        call_command("cache_relay", "--once", *options, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue(), err.getvalue()


@pytest.mark.usefixtures("redis_cache", "drained_here")
def test_single_drain(database: str, thing: Any) -> None:
    """It says how many rows it found, as a sentence or as JSON."""
    for number in range(3):
        outbox.add(database, [f"thing:{number}"], "0" * 16)
    assert once() == (None, "3 rows drained\n", "")
    assert drained(database)
    assert peek(thing, {"id": 1}) is None
    outbox.add(database, ["thing:1"], "0" * 16)
    code, said, errors = once("--json")
    assert (code, json.loads(said), errors) == (None, {"drained": 1}, "")
    assert once() == (None, "0 rows drained\n", "")


def test_nothing_to_relay_to() -> None:
    """Entries in each process's memory cannot be bumped from here."""
    code, said, errors = once()
    assert (code, said) == (1, "")
    assert "nothing to relay" in errors


@pytest.mark.parametrize("kill", [True, False], ids=["gone", "hung"])
@pytest.mark.usefixtures("drained_here")
def test_single_drain_without_redis(database: str, frail_redis: RedisUnderTest, kill: bool) -> None:
    """The rows stay, and the exit code says so."""
    outbox.add(database, ["thing:1"], "0" * 16)
    (frail_redis.kill if kill else frail_redis.pause)()
    code, said, errors = once("--json")
    assert (code, said, drained(database)) == (2, "", False)
    assert errors.startswith("error: ")
    OutboxRow.objects.using(database).all().delete()
    if not kill:
        frail_redis.resume()


@pytest.mark.usefixtures("redis_cache")
def test_single_drain_without_the_database(settings: Any, django_db_blocker: Any) -> None:
    """As without Redis: nobody knows what is in there."""
    with django_db_blocker.unblock(), added_database("away", "postgres://nobody@%2Fnowhere/site") as alias:
        settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": [alias]}
        code, said, errors = once()
    assert (code, said) == (2, "")
    assert errors.startswith("error: ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command_runs_until_it_is_told_to_stop(
    redis_cache: RedisUnderTest, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """By SIGTERM or Ctrl-C."""
    handlers: dict[int, Callable[[int, object], object]] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    stopped: list[bool] = []

    def run(_store: object, stop: threading.Event) -> None:
        stopped.append(stop.is_set())
        handlers[number](number, None)
        stopped.append(stop.is_set())

    monkeypatch.setattr(relay, "run", run)
    said = StringIO()
    call_command("cache_relay", stderr=said)
    assert said.getvalue() == "relay ready\n"
    assert stopped == [False, True]
