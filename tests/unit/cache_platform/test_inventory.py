"""The report of the stats endpoint: what it has of each policy, and what it still says without servers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.conf import settings as site
from django.db import OperationalError

from cache_platform import get_or_load, inventory
from cache_platform.health import Part
from cache_platform.models import OutboxRow
from cache_platform.testing import failing_store, isolated_cache

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def memory() -> Iterator[Any]:
    """An empty store, and an outbox in the tests' own database."""
    with isolated_cache() as store, mock.patch("cache_platform.outbox.databases", return_value=["default"]):
        yield store


def report(**more: Any) -> Any:
    return inventory.report("1h", timestamp="now", **more)


def pattern(name: str, **more: Any) -> Any:
    return next(each for each in report(**more)["patterns"] if each["name"] == name)


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
    found = pattern("test.thing")
    assert (found["ttl"], found["ttlSource"]) == (30, "CACHE_TTL_TEST_THING")
    assert (found["count"], found["stored"], found["meanBytes"], found["estimatedBytes"]) == (3, 3, 4, 12)
    assert (found["loads_compared"], found["loads_unchanged"]) == (0, 0)


def test_entries_that_were_counted_before_are_not_counted_again(declare: Any) -> None:
    """Counting walks all keys; a page that asks every few seconds does not."""
    declare(name="test.thing")
    with failing_store("scan"):
        assert pattern("test.thing", entries={"test.thing": 7})["count"] == 7
        assert pattern("test.thing", entries={})["count"] == 0


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
