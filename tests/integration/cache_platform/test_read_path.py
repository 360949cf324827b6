"""The read path, step by step, on both stores."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from cache_platform import (
    Budget,
    BudgetExceeded,
    ParameterError,
    PolicyError,
    SourceBackoff,
    SourceRateLimited,
    SourceTimeout,
    get_or_load,
    invalidate,
    read,
)
from cache_platform.entries import parse
from cache_platform.reading import flights, next_loads
from cache_platform.stores import get_memory, get_store
from cache_platform.stores.base import Store, new_token
from cache_platform.stores.memory import MemoryStore
from cache_platform.testing import PausedLoader
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.waiting import wait_until

pytestmark = pytest.mark.usefixtures("store")


class Weather(msgspec.Struct, frozen=True):
    """A value with a schema."""

    celsius: float
    at: datetime


def never(**_params: object) -> Any:
    """A loader that must not be called."""
    raise AssertionError("the loader was called")


def broken(**_params: object) -> Any:
    """A loader whose source is away."""
    raise SourceTimeout("test", "no answer")


def test_the_second_read_is_a_hit(strict: Any) -> None:
    """The loader is asked once, with the parameters by name."""
    asked: list[int] = []

    def load(id: int) -> dict[str, int]:  # the parameter's name
        asked.append(id)
        return {"n": id}

    first, second = read(strict, {"id": 7}, load), read(strict, {"id": 7}, never)
    assert (first.value, first.cached, first.stored) == ({"n": 7}, False, True)
    assert (second.value, second.cached) == ({"n": 7}, True)
    assert first.cache_status == "CachePlatform; fwd=uri-miss; stored"
    assert second.cache_status.startswith("CachePlatform; hit; ttl=")
    assert asked == [7]


def test_values_come_back_as_their_schema(declare: Any) -> None:
    """A struct with a datetime is the same type and value after a load and after a hit."""
    policy = declare(name="test.weather", schema=Weather)
    value = Weather(celsius=21.5, at=datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert get_or_load(policy, {}, lambda: value) == value
    assert get_or_load(policy, {}, never) == value


def test_a_value_that_does_not_fit_the_schema_is_refused(declare: Any) -> None:
    """A loader's mistake is told at once, nothing is stored, and the source is left alone as after any failure."""
    policy = declare(name="test.weather", schema=Weather)
    with pytest.raises(PolicyError, match="does not fit the schema"):
        get_or_load(policy, {}, lambda: {"celsius": "warm"})
    with pytest.raises(SourceBackoff):
        get_or_load(policy, {}, never)


def test_large_values_are_compressed_and_come_back(declare: Any, store: Store) -> None:
    """Past the threshold an entry takes less room than its value."""
    policy = declare(name="test.large", schema=str)
    text = "cache " * 5000
    get_or_load(policy, {}, lambda: text)
    assert get_or_load(policy, {}, never) == text
    found = store.lookup([_lookup(policy)])[0]
    assert found.blob is not None
    assert len(found.blob) < len(text) / 10


def test_what_is_too_large_is_served_and_not_stored(declare: Any, settings: Any) -> None:
    """One huge value does not fill the store."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "MAX_ENTRY_BYTES": 100}
    policy = declare(name="test.large", schema=bytes)
    noise = os.urandom(1000)
    first = read(policy, {}, lambda: noise)
    assert (first.value, first.stored) == (noise, False)
    assert read(policy, {}, lambda: noise).cached is False


def test_not_found_is_a_value(strict: Any) -> None:
    """None is kept, and forgotten when the thing's tag is bumped."""
    assert get_or_load(strict, {"id": 9}, lambda id: None) is None
    assert read(strict, {"id": 9}, never).cached
    invalidate("user:9")
    assert get_or_load(strict, {"id": 9}, lambda id: {"n": 9}) == {"n": 9}


def test_an_invalidated_value_is_loaded_anew(strict: Any) -> None:
    """The next read after a bump never gives the old value."""
    get_or_load(strict, {"id": 1}, lambda id: {"n": 1})
    assert invalidate("user:1") == 1
    assert read(strict, {"id": 1}, lambda id: {"n": 2}).value == {"n": 2}


def test_an_error_is_raised_and_never_stored(strict: Any) -> None:
    """Nobody gets a cached error; the source is left alone for a moment."""
    with pytest.raises(SourceTimeout):
        get_or_load(strict, {"id": 1}, broken)
    with pytest.raises(SourceBackoff) as caught:
        get_or_load(strict, {"id": 1}, never)
    assert 0 < (caught.value.retry_after or 0) <= 1


def test_a_rate_limited_source_is_left_alone_for_longer(strict: Any) -> None:
    """Without a Retry-After the longest back-off counts."""

    def limited(**_params: object) -> Any:
        raise SourceRateLimited("test", "429")

    with pytest.raises(SourceRateLimited):
        get_or_load(strict, {"id": 1}, limited)
    with pytest.raises(SourceBackoff) as caught:
        get_or_load(strict, {"id": 1}, never)
    assert (caught.value.retry_after or 0) > 25


def test_a_stale_entry_is_served_when_the_source_fails(relaxed: Any, monkeypatch: Any) -> None:
    """Stale on error, said so, with one probe per back-off."""
    expire_soon(relaxed, monkeypatch, {"n": 1})
    first = read(relaxed, {"id": 1}, broken)
    second = read(relaxed, {"id": 1}, never)
    assert (first.value, first.cached, first.source) == ({"n": 1}, True, "stale")
    assert first.ttl <= 0
    assert first.cache_status.endswith("detail=provider-error")
    assert second.source == "stale"


def test_a_bug_in_a_loader_serves_stale_too(relaxed: Any, monkeypatch: Any) -> None:
    """Any exception of a loader is answered with the last good value."""

    def bug(**_params: object) -> Any:
        return 1 / 0

    expire_soon(relaxed, monkeypatch, {"n": 1})
    assert read(relaxed, {"id": 1}, bug).source == "stale"


def test_a_slow_source_costs_soft_timeout_and_its_value_is_stored(declare: Any, monkeypatch: Any) -> None:
    """The reader gets the stale entry; the load goes on and the next reader gets its value."""
    policy = declare(
        name="test.slow", consistency="relaxed", audience="public", stale_for=60, soft_timeout=0.05, params={"id": int}
    )
    expire_soon(policy, monkeypatch, {"n": 1})
    loader = PausedLoader({"n": 2})
    outcome = read(policy, {"id": 1}, loader)
    assert (outcome.source, outcome.detail) == ("stale", "provider-slow")
    loader.resume()
    wait_until(lambda: read(policy, {"id": 1}, loader).value == {"n": 2}, what="the slow load is stored")
    assert loader.calls == 1


def test_a_quick_source_replaces_the_stale_entry_at_once(declare: Any, monkeypatch: Any) -> None:
    """Within soft_timeout the reader gets the new value."""
    policy = declare(
        name="test.quick", consistency="relaxed", audience="public", stale_for=60, soft_timeout=2, params={"id": int}
    )
    expire_soon(policy, monkeypatch, {"n": 1})
    outcome = read(policy, {"id": 1}, lambda id: {"n": 2})
    assert (outcome.value, outcome.source, outcome.forward) == ({"n": 2}, "load", "stale")


def test_a_strict_policy_never_serves_stale(strict: Any, monkeypatch: Any) -> None:
    """Past its TTL a strict entry is not an answer, whatever the source does."""
    expire_soon(strict, monkeypatch, {"n": 1})
    with pytest.raises(SourceTimeout):
        read(strict, {"id": 1}, broken)


def test_near_its_end_one_reader_refreshes_ahead(declare: Any, monkeypatch: Any) -> None:
    """Readers get the entry at once; one load runs behind them."""
    policy = declare(name="test.ahead", consistency="relaxed", params={"id": int}, refresh_ahead=0.5)
    monkeypatch.setenv("CACHE_TTL_TEST_AHEAD", "2")
    get_or_load(policy, {"id": 1}, lambda id: {"n": 1})
    loader = PausedLoader({"n": 2})
    wait_until(lambda: read(policy, {"id": 1}, loader).cached and loader.calls == 1, what="the entry is due")
    assert read(policy, {"id": 1}, never).value == {"n": 1}
    loader.resume()
    wait_until(lambda: read(policy, {"id": 1}, loader).value == {"n": 2}, what="the refresh is stored")
    assert loader.calls == 1


def test_forty_readers_cost_one_load(strict: Any) -> None:
    """Those who come during a load wait for it and are marked as collapsed."""
    loader = PausedLoader({"n": 1})
    first = in_thread(lambda: read(strict, {"id": 1}, loader))
    loader.wait_until_entered()
    others = [in_thread(lambda: read(strict, {"id": 1}, loader)) for _ in range(39)]
    key = strict.address({"id": 1}).key
    wait_until(lambda: len(flights._flights[key]._done._cond._waiters) == 39, what="all others wait")
    loader.resume()
    outcomes = [result(each) for each in [first, *others]]
    assert loader.calls == 1
    assert all(outcome.value == {"n": 1} for outcome in outcomes)
    assert sum(outcome.source == "load" for outcome in outcomes) == 1
    assert sum("collapsed" in outcome.cache_status for outcome in outcomes) == 39


def test_a_waiter_does_not_take_a_value_from_before_its_start(strict: Any) -> None:
    """A load begun before a write is not shared with a reader that came after the write."""
    old = PausedLoader({"n": "old"})
    first = in_thread(lambda: read(strict, {"id": 1}, old))
    old.wait_until_entered()
    invalidate("user:1")
    second = in_thread(lambda: read(strict, {"id": 1}, lambda id: {"n": "new"}))
    old.resume()
    assert result(first).value == {"n": "old"}
    assert result(second).value == {"n": "new"}
    assert get_or_load(strict, {"id": 1}, never) == {"n": "new"}


def test_a_reader_paused_before_its_fill_stores_nothing_old(strict: Any) -> None:
    """The race of the others: read old, a write and its bump, fill. The old value is never served afterwards."""
    paused = PausedLoader({"n": "old"})
    first = in_thread(lambda: read(strict, {"id": 1}, paused))
    paused.wait_until_entered()
    invalidate("user:1")
    paused.resume()
    assert result(first).stored is False
    assert get_or_load(strict, {"id": 1}, lambda id: {"n": "new"}) == {"n": "new"}


def test_under_a_hold_nothing_is_stored_and_late_comers_share_the_next_load(strict: Any, store: Store) -> None:
    """One load runs; those who arrive during it share one that begins after it."""
    address = strict.address({"id": 1})
    store.hold(address.tag_keys[-1:], new_token(), 60_000)
    running = PausedLoader({"n": "running"})
    first = in_thread(lambda: read(strict, {"id": 1}, running))
    running.wait_until_entered()
    following = PausedLoader({"n": "next"})
    others = [in_thread(lambda: read(strict, {"id": 1}, following)) for _ in range(5)]
    wait_until(lambda: waiting_for(next_loads, address.key) == 4, what="four wait for the fifth's load")
    running.resume()
    following.resume()
    outcomes = [result(each) for each in others]
    assert result(first).value == {"n": "running"}
    assert all(outcome.value == {"n": "next"} for outcome in outcomes)
    assert not any(outcome.cached or outcome.stored for outcome in outcomes)
    assert (running.calls, following.calls) == (1, 1)


def test_a_relaxed_policy_serves_through_a_hold(relaxed: Any, store: Store) -> None:
    """Weather does not wait for a writer."""
    get_or_load(relaxed, {"id": 1}, lambda id: {"n": 1})
    store.hold(relaxed.address({"id": 1}).tag_keys[-1:], new_token(), 60_000)
    assert read(relaxed, {"id": 1}, never).cached


def test_a_local_copy_answers_without_the_store(declare: Any) -> None:
    """Public data may be served from the process for a moment; a bump in this process drops it."""
    policy = declare(
        name="test.local", consistency="relaxed", audience="public", local_ttl=30, params={"id": int}, tags=("t:{id}",)
    )
    get_or_load(policy, {"id": 1}, lambda id: {"n": 1})
    outcome = read(policy, {"id": 1}, never)
    assert (outcome.source, outcome.detail) == ("local", "local")
    invalidate("t:1")
    assert read(policy, {"id": 1}, lambda id: {"n": 2}).value == {"n": 2}


def test_mutating_a_value_does_not_reach_the_next_reader(relaxed: Any) -> None:
    """Each reader has a value of its own."""
    mine = get_or_load(relaxed, {"id": 1}, lambda id: {"n": 1})
    assert mine is not None
    mine["n"] = 99
    assert get_or_load(relaxed, {"id": 1}, never) == {"n": 1}


def test_a_budget_is_charged_for_misses_only(declare: Any) -> None:
    """Hits are free; the load past the budget is refused for this caller alone."""
    policy = declare(name="test.budget", params={"id": int}, budgets=(Budget(limit=2, window=60),))
    for number in (1, 2, 1, 2):
        read(policy, {"id": number}, lambda id: {"n": id}, caller="ip:1")
    with pytest.raises(BudgetExceeded) as caught:
        read(policy, {"id": 3}, never, caller="ip:1")
    assert 0 < caught.value.retry_after <= 60
    assert read(policy, {"id": 3}, lambda id: {"n": id}, caller="ip:2").value == {"n": 3}


def test_a_budget_for_all_counts_all_callers(declare: Any) -> None:
    """The provider's quota is shared by everybody."""
    policy = declare(name="test.total", params={"id": int}, budgets=(Budget(limit=1, window=60, per="policy"),))
    read(policy, {"id": 1}, lambda id: {"n": id}, caller="ip:1")
    with pytest.raises(BudgetExceeded):
        read(policy, {"id": 2}, never, caller="ip:2")


def test_a_refused_load_frees_its_lease(declare: Any) -> None:
    """Somebody else, who may load, does not have to wait for one who may not."""
    policy = declare(name="test.lease", params={"id": int}, budgets=(Budget(limit=1, window=60),))
    read(policy, {"id": 1}, lambda id: {"n": 1}, caller="a")
    with pytest.raises(BudgetExceeded):
        read(policy, {"id": 2}, never, caller="a")
    assert read(policy, {"id": 2}, lambda id: {"n": 2}, caller="b").source == "load"


def test_a_value_made_of_a_stale_one_is_not_stored(relaxed: Any, strict: Any, monkeypatch: Any) -> None:
    """What was loaded from an old input would live on as if it were new."""
    expire_soon(relaxed, monkeypatch, {"n": 1})

    def load(id: int) -> Any:  # the parameter's name
        return get_or_load(relaxed, {"id": 1}, broken)

    assert read(strict, {"id": 1}, load).stored is False
    assert read(strict, {"id": 1}, lambda id: {"n": 2}).value == {"n": 2}


@pytest.mark.django_db(transaction=True)
def test_a_strict_value_read_in_a_transaction_is_not_stored(strict: Any) -> None:
    """Inside a transaction the value may be this transaction's own, which others must not see."""
    from django.db import transaction

    with transaction.atomic():
        assert read(strict, {"id": 1}, lambda id: {"n": "mine"}).stored is False
    assert get_or_load(strict, {"id": 1}, lambda id: {"n": "all"}) == {"n": "all"}


def test_switched_off_every_read_loads(strict: Any, settings: Any) -> None:
    """ENABLE_REDIS_CACHE=false: nothing is read or stored."""
    get_or_load(strict, {"id": 1}, lambda id: {"n": 1})
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "ENABLED": False}
    outcome = read(strict, {"id": 1}, lambda id: {"n": 2})
    assert (outcome.value, outcome.cached) == ({"n": 2}, False)
    assert outcome.cache_status == "CachePlatform; fwd=bypass; detail=off"


def test_a_ttl_of_zero_switches_a_policy_off(strict: Any, monkeypatch: Any) -> None:
    """CACHE_TTL_<POLICY>=0."""
    monkeypatch.setenv("CACHE_TTL_TEST_STRICT", "0")
    read(strict, {"id": 1}, lambda id: {"n": 1})
    assert read(strict, {"id": 1}, lambda id: {"n": 2}).value == {"n": 2}


def test_a_planted_entry_is_loaded_anew(strict: Any, store: Store) -> None:
    """Bytes that are no entry, or an entry with a body that does not decode, are a miss and not an error."""
    get_or_load(strict, {"id": 1}, lambda id: {"n": 1})
    lookup = _lookup(strict, id=1)
    good = store.lookup([lookup])[0]
    assert good.blob is not None
    head = good.blob.rsplit(b"\n", 1)[0]
    for planted in (head + b"\n\xc1\xc1", head[:-1] + b"z\nnot zstandard", b"\x80\x04 pickle", b""):
        plant(store, lookup.address.key, planted)
        assert get_or_load(strict, {"id": 1}, lambda id: {"n": 2}) in ({"n": 2}, {"n": 1})
        assert read(strict, {"id": 1}, never).cached


@pytest.mark.parametrize("params", [{}, {"id": "1"}, {"id": True}, {"id": 1, "more": 2}, {"id": 1.0}])
def test_wrong_parameters_are_refused(strict: Any, params: Any) -> None:
    """A key is never made of something the policy does not declare."""
    with pytest.raises(ParameterError):
        read(strict, params, never)


def test_readers_of_different_keys_do_not_wait_for_each_other(strict: Any) -> None:
    """A slow load of one thing does not stop another."""
    slow = PausedLoader({"n": 1})
    first = in_thread(lambda: read(strict, {"id": 1}, slow))
    slow.wait_until_entered()
    assert get_or_load(strict, {"id": 2}, lambda id: {"n": 2}) == {"n": 2}
    slow.resume()
    result(first)


def test_the_memory_of_the_process_is_kept_for_relaxed_policies(relaxed: Any) -> None:
    """A hit leaves a copy for the time without the store."""
    get_or_load(relaxed, {"id": 1}, lambda id: {"n": 1})
    get_memory_if_apart().reset()
    read(relaxed, {"id": 1}, never)
    assert list(get_memory().scan("cp:test.relaxed:*")) == [relaxed.address({"id": 1}).key]


def get_memory_if_apart() -> MemoryStore:
    """This process's memory where it is not the store itself; else one that nobody uses."""
    memory = get_memory()
    return MemoryStore(max_bytes=1) if get_store() is memory else memory


def _lookup(policy: Any, **params: Any) -> Any:
    from cache_platform.reading import Reading

    return Reading(policy, params, lambda: None, None).lookup(lease=False)


def expire_soon(policy: Any, monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    """Store `value` for {"id": 1} with a TTL of a second, and wait until it is over."""
    variable = policy.ttl_variables[0]
    monkeypatch.setenv(variable, "1")
    read(policy, {"id": 1}, lambda id: value)
    store_of = _lookup(policy, id=1)

    def expired() -> bool:
        found = get_store().lookup([store_of])[0]
        return found.blob is None or found.now >= parse(found.blob).times.fresh_until

    wait_until(expired, what="the entry expires")


def plant(store: Store, key: str, blob: bytes) -> None:
    """Write `blob` under `key` behind the store's back."""
    if isinstance(store, MemoryStore):
        store._entries[key] = (2**62, blob)
        return
    from cache_platform.stores.connection import get_client

    get_client("default").set(key, blob)


def waiting_for(loads: Any, key: str) -> int:
    """How many threads share the load that begins next."""
    lane = loads._lanes.get(key)
    return len(lane.waiting._done._cond._waiters) if lane is not None and lane.waiting is not None else 0
