"""Metrics: what is counted is shown under Prometheus' names, to the unit, and nothing that is not known."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError

from cache_platform import inventory, metrics
from cache_platform.health import Part
from cache_platform.models import OutboxRow
from cache_platform.policies import registry
from cache_platform.statistics import counters
from cache_platform.testing import failing_store, isolated_cache
from tests.services.exposition import Samples, by_label, sample, samples_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_store() -> Any:
    with isolated_cache() as store:
        yield store


def shown() -> Samples:
    """What /metrics shows now."""
    return samples_of(metrics.exposition().decode())


def test_results_of_reads_are_disjoint(declare: Any) -> None:
    """The statistics' hits include local and stale ones, these do not: they add up to all reads."""
    declare(name="test.thing")
    counters.add("test.thing", {"hits": 10, "local_hits": 3, "stale_hits": 2, "misses": 4, "collapsed": 1})
    found = shown()
    results = by_label(found, "reads_total", "result", policy="test.thing")
    assert results == {"hit": 5, "local": 3, "stale": 2, "miss": 4}
    assert sample(found, "collapsed_total", policy="test.thing") == 1


def test_every_counter_of_a_policy_is_shown(declare: Any) -> None:
    """In base units: bytes, seconds, dollars."""
    declare(name="test.thing")
    counted = {
        "loads": 3, "load_errors": 2, "left_alone": 8, "superseded": 5, "bytes_stored": 700, "tokens_saved": 40,
        "micro_usd_saved": 1_500_000, "load_us": 1_234_500,
        "load_ms_le_50": 1, "load_ms_le_1000": 1, "load_ms_le_inf": 1,
    }  # fmt: skip
    counters.add("test.thing", counted)
    found = shown()
    expected = {
        "loads_total": 3, "load_errors_total": 2, "left_alone_total": 8, "superseded_total": 5,
        "stored_bytes_total": 700, "tokens_saved_total": 40, "money_saved_usd_total": 1.5,
        "load_seconds_sum": 1.2345, "load_seconds_count": 3,
    }  # fmt: skip
    assert {name: sample(found, name, policy="test.thing") for name in expected} == expected
    buckets = by_label(found, "load_seconds_bucket", "le", policy="test.thing")
    assert [buckets[le] for le in ("0.025", "0.035", "0.05", "0.5", "0.85", "1.0", "10.0", "+Inf")] == [
        0, 0, 1, 1, 1, 2, 2, 3,
    ]  # fmt: skip
    assert list(buckets.values()) == sorted(buckets.values())


def test_policies_that_nobody_read_are_there() -> None:
    """From 0 on, so that a rate has something to begin with; names that are no policy any more are not."""
    counters.add("gone.policy", {"hits": 1})
    found = shown()
    names = {policy.name for policy in registry}
    assert by_label(found, "loads_total", "policy").keys() == names
    assert set(by_label(found, "reads_total", "policy", result="hit").values()) == {0}


def test_limits_and_locks(settings: Any) -> None:
    """Each decision once; what is counted beside it apart."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": {"search": "30/60s"}}
    counters.add("limit:search", {"admitted": 7, "refused": 2, "unenforced": 1, "given_back": 3})
    counters.add("lock:aura", {"held": 4, "waited": 1})
    for strange in ("lock:" + "x" * 70, 'lock:a"b', "lock:"):
        counters.add(strange, {"held": 1})
    found = shown()
    decisions = by_label(found, "limit_decisions_total", "decision", preset="search")
    assert decisions == {"admitted": 7, "refused": 2, "would_refuse": 0}
    assert sample(found, "limit_unenforced_total", preset="search") == 1
    assert sample(found, "limit_given_back_total", preset="search") == 3
    assert set(by_label(found, "locks_total", "kind")) == {"aura"}
    events = by_label(found, "locks_total", "event", kind="aura")
    assert events == {"held": 4, "waited": 1, "lost": 0, "refused": 0}


def test_the_store_and_the_outbox() -> None:
    """How many writes wait; the memory of a process is no server's, and not shown as Redis'."""
    OutboxRow.objects.create(tags="user:1", token="t")
    with mock.patch("cache_platform.outbox.databases", return_value=["default"]):
        found = shown()
    assert sample(found, "up", server="memory") == 1
    assert sample(found, "outbox_rows") == 1
    assert not [name for name, _ in found if "redis" in name]


def test_what_cannot_be_known_is_left_out() -> None:
    """No counters while the store is away, rather than zeros; no outbox while the database is."""
    counters.add("test.thing", {"hits": 1})
    away = mock.patch("cache_platform.outbox.databases", side_effect=OperationalError("gone"))
    with failing_store("read_totals", "describe", "add_counters"), away:
        found = shown()
    assert by_label(found, "up", "server") == {"memory": 0}
    assert {name for name, _ in found} == {"cache_platform_up"}


def test_a_database_that_hangs_is_not_asked_for_its_outbox() -> None:
    """It would hold the answer for as long as it hangs; the probe gives it a second."""
    hangs = mock.patch.object(inventory.database_probe, "ask", return_value=Part(up=False, error="it does not answer"))
    with hangs, mock.patch("cache_platform.outbox.databases", side_effect=AssertionError("asked")):
        assert sample(shown(), "outbox_rows") is None
