"""Batches: one round trip reads, one load fills, and nobody waits for what somebody else is loading first."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from cache_platform import (
    Budget,
    BudgetExceeded,
    PolicyError,
    SourceTimeout,
    get_many_or_load,
    get_or_load,
    invalidate,
    read,
    read_many,
)
from cache_platform.statistics import read_window
from cache_platform.stores import get_store
from cache_platform.stores.base import Store
from cache_platform.testing import PausedLoader
from tests.integration.cache_platform.test_read_path import expire_soon, never
from tests.integration.cache_platform.threads import in_thread, result

pytestmark = pytest.mark.usefixtures("store")


class Loader:
    """A load_many that notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, wanted: list[dict[str, Any]]) -> list[dict[str, int] | None]:
        self.asked.append([params["id"] for params in wanted])
        return [{"n": params["id"]} if params["id"] < 100 else None for params in wanted]


def ids(*numbers: int) -> list[dict[str, int]]:
    """Parameters."""
    return [{"id": number} for number in numbers]


def test_only_what_is_missing_is_loaded_and_in_one_load(strict: Any) -> None:
    """Order is kept, doubles are loaded once, "not found" is a value."""
    loader = Loader()
    get_or_load(strict, {"id": 2}, lambda id: {"n": 2})
    assert get_many_or_load(strict, ids(3, 2, 1, 3, 100), loader) == [{"n": 3}, {"n": 2}, {"n": 1}, {"n": 3}, None]
    assert loader.asked == [[3, 1, 100]]
    assert get_many_or_load(strict, ids(1, 3, 100), loader) == [{"n": 1}, {"n": 3}, None]
    assert len(loader.asked) == 1


def test_a_hundred_hits_cost_one_call_of_the_store(strict: Any) -> None:
    """One round trip for n keys."""
    get_many_or_load(strict, ids(*range(90)), Loader())
    with mock.patch.object(type(get_store()), "lookup", autospec=True, side_effect=type(get_store()).lookup) as lookup:
        found = read_many(strict, ids(*range(90)), never)
    assert lookup.call_count == 1
    assert all(outcome.cached for outcome in found)


def test_an_empty_batch_asks_nobody(strict: Any) -> None:
    """Nothing in, nothing out."""
    assert get_many_or_load(strict, [], never) == []


def test_a_batch_stores_its_own_before_it_waits_for_others(strict: Any) -> None:
    """What somebody else is loading does not keep this batch's own values from those who want them."""
    others = PausedLoader({"n": 1})
    first = in_thread(lambda: read(strict, {"id": 1}, others))
    others.wait_until_entered()
    loader = Loader()
    batch = in_thread(lambda: get_many_or_load(strict, ids(1, 2), loader))
    while not loader.asked:
        pass
    assert result(in_thread(lambda: get_or_load(strict, {"id": 2}, never_but_wait))) == {"n": 2}
    others.resume()
    assert result(batch) == [{"n": 1}, {"n": 2}]
    assert loader.asked == [[2]]
    assert result(first).value == {"n": 1}


def never_but_wait(**_params: object) -> Any:
    """The value is under way already."""
    raise AssertionError("loaded twice")


def test_a_failing_load_is_raised_and_leaves_no_lease(strict: Any) -> None:
    """The next reader is told of the back-off at once and does not wait for a lease to run out."""

    def broken_many(wanted: list[dict[str, Any]]) -> list[Any]:
        raise SourceTimeout("test", "no answer")

    with pytest.raises(SourceTimeout):
        get_many_or_load(strict, ids(1, 2), broken_many)
    for number in (1, 2):
        with pytest.raises(Exception, match="failed a moment ago"):
            get_or_load(strict, {"id": number}, never)


def test_stale_entries_answer_for_a_failing_load(relaxed: Any, monkeypatch: Any) -> None:
    """As for single reads."""

    def broken_many(wanted: list[dict[str, Any]]) -> list[Any]:
        raise SourceTimeout("test", "no answer")

    expire_soon(relaxed, monkeypatch, {"n": 1})
    outcome = read_many(relaxed, ids(1), broken_many)[0]
    assert (outcome.value, outcome.source, outcome.detail) == ({"n": 1}, "stale", "provider-error")


def test_a_loader_that_gives_too_few_values_is_told(strict: Any) -> None:
    """A mistake in load_many must not shift values to other keys."""
    with pytest.raises(PolicyError, match="1 values for 2 parameters"):
        get_many_or_load(strict, ids(1, 2), lambda wanted: [{"n": 1}])


def test_a_batch_is_one_load_for_the_budget(declare: Any) -> None:
    """It asks the source once."""
    policy = declare(name="test.batch", params={"id": int}, budgets=(Budget(limit=1, window=60),))
    read_many(policy, ids(1, 2, 3), Loader(), caller="a")
    with pytest.raises(BudgetExceeded):
        read_many(policy, ids(4, 5), Loader(), caller="a")
    assert read(policy, {"id": 5}, lambda id: {"n": 5}, caller="b").source == "load"


def test_a_batch_loaded_before_a_bump_is_not_stored(strict: Any) -> None:
    """The same race as for single reads."""

    def load_and_be_overtaken(wanted: list[dict[str, Any]]) -> list[dict[str, str]]:
        invalidate("user:1")
        return [{"n": "old"} for _ in wanted]

    outcomes = read_many(strict, ids(1, 2), load_and_be_overtaken)
    assert [outcome.stored for outcome in outcomes] == [False, True]
    assert get_or_load(strict, {"id": 1}, lambda id: {"n": "new"}) == {"n": "new"}


def test_each_read_of_a_batch_counts_once(strict: Any, store: Store) -> None:
    """Hits and misses as for single reads; one load."""
    get_many_or_load(strict, ids(1, 2, 3), Loader())
    get_many_or_load(strict, ids(1, 2, 4), Loader())
    counts = read_window("5m")["test.strict"]
    assert (counts["hits"], counts["misses"], counts["loads"]) == (2, 4, 2)
