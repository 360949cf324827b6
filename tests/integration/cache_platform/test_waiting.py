"""Readers that wait for others, in this process and across processes; and what may not be shared or kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.db import transaction

from cache_platform import (
    Budget,
    BudgetExceeded,
    LoadShed,
    PolicyError,
    SourceBackoff,
    SourceTimeout,
    get_or_load,
    invalidate,
    read,
)
from cache_platform.entries import Entry, Times, encode
from cache_platform.exceptions import StoreUnavailable
from cache_platform.loading import SoloLoads
from cache_platform.reading import Reading, solo_loads
from cache_platform.statistics import read_window
from cache_platform.stores import get_store
from cache_platform.stores.base import Found, Lease, Store, new_token
from cache_platform.stores.memory import MemoryStore
from cache_platform.stores.redis import RedisStore, run
from cache_platform.testing import PausedLoader
from tests.integration.cache_platform.test_read_path import never
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.waiting import wait_until

pytestmark = pytest.mark.usefixtures("store")
ON_REDIS = pytest.mark.parametrize("store", ["valkey"], indirect=True)


class OtherProcess:
    """Another process's reading of {"id": 1}: it wins the lease, and stores, fails or dies."""

    def __init__(self, policy: Any) -> None:
        self.reading = Reading(policy, {"id": 1}, lambda: None, None)
        self.found: Found = get_store().lookup([self.reading.lookup()])[0]
        assert self.found.lease is Lease.WON

    def store(self, value: Any) -> None:
        """Bring what was loaded."""
        codec, body = encode(value, compress_min_bytes=1000)
        times = Times.starting(self.found.now, ttl=60, stale_for=0, refresh_ahead=0)
        entry = Entry(self.found.signature, times, codec, body)
        get_store().fill([self.reading.fill_of(entry, keep_ms=60_000)])

    def fail(self) -> None:
        """Its source is away."""
        get_store().release(self.reading.address, self.reading.token, Lease.BACKOFF, pause_ms=60_000, failures=1)


@pytest.fixture
def polls() -> Iterator[mock.MagicMock]:
    """How often the store is asked."""
    store = get_store()
    with mock.patch.object(type(store), "lookup", autospec=True, side_effect=type(store).lookup) as lookup:
        yield lookup


def test_a_reader_waits_for_the_winner_in_another_process(strict: Any, polls: mock.MagicMock) -> None:
    """And takes its value, marked as collapsed."""
    winner = OtherProcess(strict)
    waiter = in_thread(lambda: read(strict, {"id": 1}, never))
    wait_until(lambda: polls.call_count > 4, what="the reader watches the store")
    winner.store({"n": "theirs"})
    outcome = result(waiter)
    assert (outcome.value, outcome.cached) == ({"n": "theirs"}, False)
    assert outcome.cache_status == "CachePlatform; fwd=uri-miss; collapsed"


def test_of_many_who_wait_for_another_process_one_watches(strict: Any, polls: mock.MagicMock) -> None:
    """Thirty readers cost the store no more than one, beyond each one's own first look."""
    winner = OtherProcess(strict)
    waiters = [in_thread(lambda: read(strict, {"id": 1}, never)) for _ in range(30)]
    wait_until(lambda: polls.call_count > 60, what="all of them wait")
    winner.store({"n": "theirs"})
    assert all(result(waiter).value == {"n": "theirs"} for waiter in waiters)


def test_the_failure_of_another_process_is_told_at_once(strict: Any, polls: mock.MagicMock) -> None:
    """Nobody waits for the end of the lease."""
    winner = OtherProcess(strict)
    waiter = in_thread(lambda: read(strict, {"id": 1}, never))
    wait_until(lambda: polls.call_count > 4, what="the reader watches the store")
    winner.fail()
    with pytest.raises(Exception, match="failed a moment ago"):
        result(waiter)


def test_a_winner_that_died_is_replaced_by_one(declare: Any) -> None:
    """When its lease has ended, one of those who wait loads, and all others have its value."""
    policy = declare(name="test.dead", params={"id": int}, hard_timeout=0.2)
    with mock.patch("cache_platform.reading.LEASE_MARGIN", 0.3):
        OtherProcess(policy)
        calls = []

        def load(id: int) -> dict[str, int]:
            calls.append(id)
            return {"n": id}

        waiters = [in_thread(lambda: read(policy, {"id": 1}, load)) for _ in range(20)]
        outcomes = [result(waiter) for waiter in waiters]
    assert len(calls) == 1
    assert all(outcome.value == {"n": 1} for outcome in outcomes)
    assert sum(outcome.source == "load" and outcome.stored for outcome in outcomes) == 1


def test_beyond_the_limit_a_lonely_load_is_refused(settings: Any) -> None:
    """503 rather than a stampede."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "SOLO_LOADS": 1}
    room = SoloLoads()
    with room.one(), pytest.raises(LoadShed), room.one():
        pass
    with room.one():
        assert solo_loads is not room


def test_a_strict_entry_is_not_served_through_a_hold(strict: Any, store: Store) -> None:
    """A writer may have committed already."""
    get_or_load(strict, {"id": 1}, lambda id: {"n": "old"})
    store.hold(strict.address({"id": 1}).tag_keys[-1:], new_token(), 60_000)
    outcome = read(strict, {"id": 1}, lambda id: {"n": "new"})
    assert (outcome.value, outcome.cached, outcome.stored) == ({"n": "new"}, False, False)
    assert outcome.cache_status == "CachePlatform; fwd=bypass; detail=held"


def test_not_found_is_kept_for_its_own_ttl(declare: Any) -> None:
    """A short one, since the thing may be made at any time."""
    policy = declare(name="test.negative", params={"id": int}, ttl=600, negative_ttl=5)
    assert read(policy, {"id": 1}, lambda id: None).ttl <= 5
    assert read(policy, {"id": 2}, lambda id: {}).ttl > 500


@pytest.mark.django_db(transaction=True)
def test_a_relaxed_value_of_a_transaction_is_not_stored_either(relaxed: Any) -> None:
    """What is rolled back was never there."""
    with transaction.atomic():
        assert read(relaxed, {"id": 1}, lambda id: {"n": "uncommitted"}).stored is False
    assert get_or_load(relaxed, {"id": 1}, lambda id: {"n": "committed"}) == {"n": "committed"}


def test_what_is_made_of_a_shared_value_made_of_an_old_one_is_not_stored(
    relaxed: Any, strict: Any, declare: Any
) -> None:
    """What is made of a shared value that was made of an old one is not stored."""
    outer = declare(name="test.outer", params={"id": int})
    get_or_load(relaxed, {"id": 1}, lambda id: {"n": 1})
    paused = PausedLoader({"n": 2})

    def inner(id: int) -> Any:
        get_or_load(relaxed, {"id": 1}, never)
        return paused()

    def outer_load(id: int) -> Any:
        return get_or_load(strict, {"id": 1}, inner)

    first = in_thread(lambda: read(strict, {"id": 1}, inner))
    paused.wait_until_entered()
    second = in_thread(lambda: read(outer, {"id": 1}, outer_load))
    wait_until(lambda: read_window("5m").get("test.relaxed", {}).get("hits"), what="the first load runs")
    paused.resume()
    assert result(first).stored is False
    assert result(second).stored is False


@pytest.mark.parametrize("value", [{"n": 2**70}, {"n": "\ud800"}, {"n": object()}, {"n": {1, object()}}])
def test_what_cannot_be_kept_is_told_and_leaves_no_lease(strict: Any, value: Any) -> None:
    """A loader's mistake; the next reader does not wait for it, and is told at once that it failed."""
    with pytest.raises(PolicyError):
        read(strict, {"id": 1}, lambda id: value)
    with pytest.raises(SourceBackoff):
        read(strict, {"id": 1}, lambda id: {"n": 1})


def test_budgets_count_when_nothing_is_stored(declare: Any, settings: Any, store: Store) -> None:
    """Caching switched off, limits stay; they are counted where all processes see them."""
    policy = declare(name="test.off", params={"id": int}, budgets=(Budget(limit=2, window=60),))
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "ENABLED": False}
    for number in (1, 2):
        read(policy, {"id": number}, lambda id: {"n": id}, caller="a")
    if not isinstance(store, MemoryStore):
        from cache_platform.stores import reset_process

        reset_process()
    with pytest.raises(BudgetExceeded):
        read(policy, {"id": 3}, never, caller="a")


def test_failures_back_off_for_longer_each_time(declare: Any) -> None:
    """Doubled, up to the policy's longest."""
    policy = declare(name="test.longer", params={"id": int}, backoff=0.02, longest_backoff=40)
    waits = []

    def broken(id: int) -> Any:
        raise SourceTimeout("test", "no answer")

    def fails_again() -> bool:
        with pytest.raises(Exception, match=r"no answer|failed a moment ago") as caught:
            read(policy, {"id": 1}, broken)
        if isinstance(caught.value, SourceTimeout):
            address = policy.address({"id": 1})
            reading = Reading(policy, {"id": 1}, lambda: None, None)
            assert reading.address == address
            waits.append(get_store().lookup([reading.lookup()])[0].lease_ms)
        return len(waits) == 5

    wait_until(fails_again, what="five failures")
    assert waits[-1] > 10 * 20


@ON_REDIS
def test_a_bump_that_failed_is_made_up_for_before_the_next_read(strict: Any, store: Store) -> None:
    """Also when the breaker has closed between the failure and its being noted."""
    get_or_load(strict, {"id": 1}, lambda id: {"n": "old"})
    with mock.patch.object(RedisStore, "bump", side_effect=StoreUnavailable("the answer was lost")):
        assert invalidate("user:1") == 0
    assert read(strict, {"id": 1}, lambda id: {"n": "new"}).value == {"n": "new"}


@ON_REDIS
def test_a_bump_that_is_sent_twice_does_not_bring_a_generation_back(store: Store) -> None:
    """redis-py sends a script again when its connection broke before the answer came."""
    from cache_platform.stores.connection import get_client

    client = get_client("default")
    call = (["cp:tag:user:1"], ["", "0123456789abcdef", 60_000])
    seen = set()
    for _ in range(50):
        run(client, "bump", [call])
        seen.add(client.get("cp:tag:user:1"))
    assert len(seen) == 50
