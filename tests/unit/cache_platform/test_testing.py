"""What users of the app get for their own tests does what the guide says."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import TestCase

from cache_platform import get_or_load, invalidate, peek, read
from cache_platform.exceptions import StoreUnavailable
from cache_platform.testing import FakeClock, failing_store, isolated_cache


def test_a_clock_that_moves_when_told_ages_entries(declare: Any) -> None:
    """No waiting for a TTL."""
    policy = declare(name="test.aging", params={"id": int}, ttl=600)
    clock = FakeClock()
    with isolated_cache(clock):
        get_or_load(policy, {"id": 1}, lambda id: {"n": id})
        clock.advance(599)
        assert peek(policy, {"id": 1}) == {"n": 1}
        clock.advance(2)
        assert peek(policy, {"id": 1}) is None


def test_nothing_leaks_from_one_test_to_the_next(declare: Any) -> None:
    """Each has a store of its own."""
    policy = declare(name="test.leak", params={"id": int}, consistency="relaxed", audience="public", local_ttl=60)
    for _ in range(2):
        with isolated_cache():
            assert read(policy, {"id": 1}, lambda id: {"n": id}).source == "load"
            assert read(policy, {"id": 1}, lambda id: {"n": id}).cached


def test_a_failing_store_fails_and_comes_back(declare: Any) -> None:
    """Reads go on without it."""
    policy = declare(name="test.failing", params={"id": int})
    with failing_store("lookup") as store:
        assert get_or_load(policy, {"id": 1}, lambda id: {"n": id}) == {"n": 1}
        with pytest.raises(StoreUnavailable):
            peek(policy, {"id": 1})
        assert store.calls == ["lookup", "lookup"]
    assert peek(policy, {"id": 1}) is None


class InATransaction(TestCase):
    """Django's TestCase wraps each test in a transaction."""

    def test_strict_values_can_be_hits(self) -> None:
        """Inside isolated_cache that transaction does not count."""
        from cache_platform.policies import CachePolicy, registry

        policy = registry.register(CachePolicy(name="test.wrapped", schema=dict, ttl=60, tags=("wrapped",)))
        try:
            assert read(policy, {}, lambda: {"n": 1}).detail == "transaction"
            with isolated_cache():
                read(policy, {}, lambda: {"n": 1})
                assert read(policy, {}, lambda: {"n": 2}).cached
                invalidate("wrapped")
                assert read(policy, {}, lambda: {"n": 2}).value == {"n": 2}
        finally:
            registry.unregister("test.wrapped")
