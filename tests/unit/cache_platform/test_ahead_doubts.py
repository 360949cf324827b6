"""When what a request has read ahead is not used: it may be older than what the reader has to see."""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from cache_platform import CachePolicy, ahead, invalidate, read
from cache_platform.batches import read_many
from cache_platform.ratelimits import logs_of, take_slots
from cache_platform.testing import FakeClock
from tests.unit.cache_platform.test_ahead import ADA, Counting, clock, load, look, policy, store

__all__ = ["clock", "policy", "store"]


class Moments:
    """The process's clock, as `ahead` sees it; it moves when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Moments:
    """Time that passes between reading ahead and asking."""
    moments = Moments()
    monkeypatch.setattr(ahead, "time", SimpleNamespace(monotonic=moments.monotonic))
    return moments


def test_it_is_not_used_inside_a_transaction(store: Counting, policy: CachePolicy[Any]) -> None:
    """Which may have locked, since, what it is going to read."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        store.calls.clear()
        with mock.patch("cache_platform.inputs.in_transaction", return_value=True):
            assert read(policy, {"id": 1}, load).source == "hit"
    assert store.calls[0] == "lookup"


def test_it_is_not_used_inside_a_load_of_many(store: Counting, policy: CachePolicy[Any], declare: Any) -> None:
    """As inside a load of one: what is stored under newer generations must not be made of it."""
    made = declare(name="test.made", params={"id": int}, tags=("t:{id}",))
    read(policy, {"id": 1}, load)
    seen: list[str] = []

    def load_many(wanted: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        store.calls.clear()
        found = [read(policy, each, load).value for each in wanted]
        seen.extend(store.calls)
        return [{"of": each} for each in found]

    with ahead.scope():
        look(policy)
        assert [each.value for each in read_many(made, [{"id": 1}], load_many)] == [{"of": {"id": 1}}]
    assert seen == ["lookup"]


@pytest.mark.parametrize(
    ("age", "used"), [(0.0, True), (ahead.MOST_AGE - 0.01, True), (ahead.MOST_AGE, False), (60.0, False)]
)
def test_it_is_not_used_when_it_is_old(
    store: Counting, policy: CachePolicy[Any], moments: Moments, age: float, used: bool
) -> None:
    """Somebody may have written since, and have been told that it is written."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        store.calls.clear()
        moments.now += age
        found = read(policy, {"id": 1}, load)
    assert (found.source, "lookup" not in store.calls) == ("hit", used)


@pytest.mark.parametrize(("later", "used"), [(0.1, True), (0.3, False)])
def test_it_is_not_used_past_its_time(
    store: Counting, declare: Any, clock: FakeClock, moments: Moments, later: float, used: bool
) -> None:
    """As of the moment that it is asked for, and that is what its answer says is left of it."""
    policy = declare(name="test.ahead", params={"id": int}, tags=("t:{id}",), ttl=60)
    read(policy, {"id": 1}, load)
    clock.advance(59.8)
    with ahead.scope():
        look(policy)
        store.calls.clear()
        moments.now += later
        found = read(policy, {"id": 1}, load)
    assert ("lookup" not in store.calls) is used
    assert round(found.ttl, 2) == (0.1 if used else 0.2)


def test_a_slot_stays_ones_own_however_late_it_is_asked_for(
    store: Counting, policy: CachePolicy[Any], moments: Moments
) -> None:
    """It was taken when it was taken: a slow request does not take two."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        moments.now += 60
        assert take_slots([ADA]).remaining == 1
    assert take_slots([ADA]).remaining == 0


def test_it_ends_with_its_request_for_whoever_has_a_copy_of_its_context(
    store: Counting, policy: CachePolicy[Any]
) -> None:
    """A background load has one, and outlives the request: it gets no old entry, and no slot that was given back."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        copied = contextvars.copy_context()
    assert copied.run(ahead.found, policy.address({"id": 1})) is None
    assert copied.run(ahead.taken, logs_of([ADA])) is None
    assert copied.run(take_slots, [ADA]).remaining == 1
    assert store.calls.count("give_back") == 1


def test_a_write_in_a_request_inside_it_is_seen(store: Counting, policy: CachePolicy[Any]) -> None:
    """One request may call another one's view, which writes."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        with ahead.scope():
            invalidate("t:1")
        assert read(policy, {"id": 1}, load).source == "load"
