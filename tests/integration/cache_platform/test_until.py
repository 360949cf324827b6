"""A value that ends by itself, as a token does, is never served past its end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cache_platform import PolicyError, SourceTimeout, peek, put, read, read_many
from cache_platform.testing import FakeClock, isolated_cache
from tests.integration.cache_platform.test_read_path import broken, never
from tests.services.waiting import wait_until


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    """The clock of an empty in-memory store."""
    clock = FakeClock()
    with isolated_cache(clock):
        yield clock


@pytest.fixture
def token(declare: Any) -> Any:
    """A strict policy whose values say when they end."""
    return declare(name="test.token", params={"id": int}, until=lambda value: value["exp"])


@pytest.fixture
def lasting(declare: Any) -> Any:
    """A relaxed one that keeps its values for failures."""
    return declare(
        name="test.lasting",
        params={"id": int},
        consistency="relaxed",
        audience="public",
        stale_for=100,
        until=lambda value: value["exp"],
    )


def ending(at: float) -> Any:
    """A loader of a value that ends at `at`."""
    return lambda id: {"exp": at}


def ttl_of(policy: Any, load: Any) -> float:
    """The TTL of what `load` gave, as the next reader sees it: the clock stands still meanwhile."""
    assert read(policy, {"id": 1}, load).stored
    return read(policy, {"id": 1}, never).ttl


def seconds(clock: FakeClock) -> float:
    """The clock's time in unix seconds."""
    return clock.now / 1000


def test_the_end_cuts_the_ttl(clock: FakeClock, token: Any) -> None:
    """A minute by the policy, ten seconds by the value."""
    assert ttl_of(token, ending(seconds(clock) + 10)) == 10
    clock.advance(9.999)
    assert read(token, {"id": 1}, never).cached
    clock.advance(0.001)
    assert read(token, {"id": 1}, ending(seconds(clock) + 10)).source == "load"


@pytest.mark.parametrize("end", [61.0, 1e9, math.inf])
def test_a_later_end_changes_nothing(clock: FakeClock, token: Any, end: float) -> None:
    """The TTL is the shorter of the two; infinity is "never"."""
    assert ttl_of(token, ending(seconds(clock) + end)) == 60


@pytest.mark.parametrize("end", [0, -1, -1e9, -math.inf])
def test_what_has_ended_is_not_stored(clock: FakeClock, token: Any, end: float) -> None:
    """It is served to whoever loaded it, who has to judge it, and to nobody after."""
    outcome = read(token, {"id": 1}, ending(seconds(clock) + end))
    assert not outcome.stored
    assert outcome.ttl <= 0
    assert peek(token, {"id": 1}) is None
    assert read(token, {"id": 1}, ending(seconds(clock) + 5)).stored


def test_an_end_cuts_the_time_for_failures(clock: FakeClock, lasting: Any) -> None:
    """Stale is for values that are late, not for those that have ended."""
    read(lasting, {"id": 1}, ending(seconds(clock) + 70))
    clock.advance(65)
    assert read(lasting, {"id": 1}, broken).source == "stale"
    clock.advance(5)
    with pytest.raises(SourceTimeout):
        read(lasting, {"id": 1}, broken)


def test_an_end_within_the_ttl_leaves_nothing_for_failures(clock: FakeClock, lasting: Any) -> None:
    """From fresh to gone."""
    read(lasting, {"id": 1}, ending(seconds(clock) + 10))
    clock.advance(10)
    with pytest.raises(SourceTimeout):
        read(lasting, {"id": 1}, broken)


def test_not_found_has_no_end_of_its_own(clock: FakeClock, token: Any) -> None:
    """The function is asked about values only."""
    assert ttl_of(token, lambda id: None) == token.negative_ttl


def test_batches_and_put_cut_the_ttl_too(clock: FakeClock, token: Any, lasting: Any) -> None:
    """Each value of a batch by its own end."""
    now = seconds(clock)
    read_many(token, [{"id": 5}, {"id": 7}], lambda wanted: [{"exp": now + it["id"]} for it in wanted])
    assert [outcome.ttl for outcome in read_many(token, [{"id": 5}, {"id": 7}], never)] == [5, 7]
    assert put(lasting, {"id": 1}, {"exp": now - 1}) is False


@pytest.mark.parametrize("end", [math.nan, "tomorrow", None])
def test_an_end_that_is_no_time_is_told(clock: FakeClock, token: Any, end: Any) -> None:
    """A mistake in the declaration must not become an entry that lives too long."""
    with pytest.raises(PolicyError, match=r"test\.token"):
        read(token, {"id": 1}, ending(end))
    clock.advance(token.longest_backoff)
    assert read(token, {"id": 1}, ending(seconds(clock) + 5)).stored


@pytest.mark.usefixtures("store")
def test_the_end_counts_on_every_store(lasting: Any) -> None:
    """Real time, on the in-memory store and on Valkey: served until it ends, then neither fresh nor stale."""
    end = time.time() + 1
    assert 0 < read(lasting, {"id": 1}, ending(end)).ttl <= 1
    wait_until(lambda: time.time() > end, what="the value ends")
    with pytest.raises(SourceTimeout):
        read(lasting, {"id": 1}, broken)
