"""The report of the stats endpoint: what it has of each policy, and what it still says without servers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.conf import settings as site
from django.db import OperationalError

from cache_platform import entry_counts, get_or_load, inventory
from cache_platform.commands.policy_table import policy_table
from cache_platform.health import Part
from cache_platform.models import OutboxRow
from cache_platform.testing import failing_store, isolated_cache

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def memory() -> Iterator[Any]:
    """An empty store, and an outbox in the tests' own database."""
    with isolated_cache() as store, mock.patch("cache_platform.outbox.databases", return_value=["default"]):
        yield store


def report(**more: float) -> Any:
    return inventory.report("1h", timestamp="now", **more)


def pattern(name: str) -> Any:
    return next(each for each in report()["patterns"] if each["name"] == name)


def test_each_policy_has_where_its_ttl_comes_from_and_how_large_it_is(
    declare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable's name, or that it is declared; bytes in the mean, and of all entries as far as that tells."""
    policy = declare(name="test.thing", params={"n": int})
    found = pattern("test.thing")
    assert (found["ttl"], found["ttlSource"]) == (60, "declared")
    assert (found["count"], found["meanBytes"], found["estimatedBytes"]) == (0, None, None)
    monkeypatch.setenv("CACHE_TTL_TEST_THING", "30")
    for n in (1, 2, 3):
        get_or_load(policy, {"n": n}, lambda n: {"n": n})
    entry_counts.entry_counter.expire()
    found = pattern("test.thing")
    assert (found["ttl"], found["ttlSource"]) == (30, "CACHE_TTL_TEST_THING")
    assert (found["count"], found["stored"], found["meanBytes"], found["estimatedBytes"]) == (3, 3, 4, 12)
    assert (found["loads_compared"], found["loads_unchanged"]) == (0, 0)


def test_entries_are_counted_once_for_all_who_ask(declare: Any) -> None:
    """Counting walks all keys; a dashboard that asks every few seconds does not cause it each time."""
    policy = declare(name="test.thing", params={"n": int})
    get_or_load(policy, {"n": 1}, lambda n: {"n": n})
    first = report()
    assert first["entriesAge"] >= 0
    with failing_store("scan"):
        assert pattern("test.thing")["count"] == 1
        assert report()["entriesAge"] >= first["entriesAge"]


def test_a_count_that_takes_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, declare: Any) -> None:
    """Null, rather than 0, while it is not known; all else is told."""
    declare(name="test.thing")
    go_on = threading.Event()

    def slow() -> dict[str, int]:
        assert go_on.wait(20)
        return {"test.thing": 7}

    monkeypatch.setattr(entry_counts, "count_entries", slow)
    body = report(patience=0.01)
    assert body["entriesAge"] is None
    found = next(each for each in body["patterns"] if each["name"] == "test.thing")
    assert (found["count"], found["estimatedBytes"], found["hits"]) == (None, None, 0)
    assert [row[-3].text for row in policy_table(body["patterns"], body["performance"]).rows][-1] == "-"
    counting = entry_counts.entry_counter._running
    go_on.set()
    assert counting is not None
    counting.join(20)
    assert pattern("test.thing")["count"] == 7


def test_writes_that_wait_are_told_without_the_store() -> None:
    """The counts are not known then; the outbox and this process's breakers are."""
    OutboxRow.objects.create(tags="user:1", token="t")
    assert report()["outbox"] == 1
    with failing_store("read_counters", "add_counters", "describe"):
        found = report()
    assert (found["patterns"], found["performance"], found["outbox"]) == ([], None, 1)
    assert found["redis"]["status"] == "not-configured"


def test_a_database_that_is_away_is_no_error() -> None:
    """How many writes wait is then not known; one that hangs is not asked."""
    with mock.patch("cache_platform.outbox.databases", side_effect=OperationalError("gone")):
        assert report()["outbox"] is None
    hangs = mock.patch.object(inventory.database_probe, "ask", return_value=Part(up=False))
    with hangs, mock.patch("cache_platform.outbox.databases", side_effect=AssertionError("asked")):
        assert report()["outbox"] is None


def test_who_flushed_is_logged_at_every_log_level() -> None:
    """An audit that a quieter log loses is none."""
    level = site.LOGGING["loggers"]["cache_platform.audit"]["level"]
    assert logging.getLevelNamesMapping()[level] <= logging.INFO
