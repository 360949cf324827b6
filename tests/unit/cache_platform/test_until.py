"""`until`: past that moment a value is not served, whatever the store's clock says about this process's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from cache_platform import CachePolicy, peek, read
from cache_platform.testing import FakeClock, isolated_cache

NOW = 1_800_000_000
"""What this process takes for the time, in unix seconds."""
Declare = Callable[..., CachePolicy[Any]]


@pytest.mark.parametrize("skew", [-3600, -5, 0, 5, 3600])
def test_value_lives_to_its_moment_whatever_the_store_takes_for_the_time(declare: Declare, skew: int) -> None:
    """The moment is by this process's clock, and so the length is; neither longer nor shorter by the difference."""
    policy = declare(ttl=600, until=lambda value: value["until"])
    ours, stores = FakeClock(NOW * 1000), FakeClock((NOW + skew) * 1000)
    with isolated_cache(stores), mock.patch("cache_platform.loading.wall_clock_ms", ours):
        assert read(policy, {}, lambda: {"until": NOW + 10}).source == "load"
        for clock in (ours, stores):
            clock.advance(9)
        assert read(policy, {}, lambda: {"until": math.inf}).cached
        for clock in (ours, stores):
            clock.advance(2)
        assert peek(policy, {}) is None
        assert not read(policy, {}, lambda: {"until": NOW + 20}).cached


@pytest.mark.parametrize("skew", [-3600, 3600])
def test_value_whose_moment_has_passed_is_not_stored(declare: Declare, skew: int) -> None:
    """It was true when it was made, by this process's clock."""
    policy = declare(until=lambda value: value["until"])
    stores = FakeClock((NOW + skew) * 1000)
    with isolated_cache(stores), mock.patch("cache_platform.loading.wall_clock_ms", FakeClock(NOW * 1000)):
        for _ in range(2):
            assert read(policy, {}, lambda: {"until": NOW - 1}).source == "load"


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_value_without_an_end_lives_as_long_as_its_policy_says(declare: Declare, skew: int) -> None:
    """The length of the policy is no matter of clocks."""
    policy = declare(ttl=600, until=lambda _value: math.inf)
    stores = FakeClock((NOW + skew) * 1000)
    with isolated_cache(stores), mock.patch("cache_platform.loading.wall_clock_ms", FakeClock(NOW * 1000)):
        read(policy, {}, lambda: {"n": 1})
        stores.advance(599)
        assert read(policy, {}, lambda: {"n": 2}).cached
        stores.advance(2)
        assert not read(policy, {}, lambda: {"n": 2}).cached


def test_isolated_cache_has_one_clock_for_both(declare: Declare) -> None:
    """Tests that let entries age need not think of two."""
    policy, clock = declare(ttl=600, until=lambda value: value["until"]), FakeClock(NOW * 1000)
    with isolated_cache(clock):
        read(policy, {}, lambda: {"until": NOW + 10})
        clock.advance(9)
        assert read(policy, {}, lambda: {"until": math.inf}).cached
        clock.advance(2)
        assert peek(policy, {}) is None
