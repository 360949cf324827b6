"""What a request has read ahead: handed out once, forgotten at a write, and given back at its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cache_platform import CachePolicy, ahead, invalidate, read
from cache_platform.exceptions import StoreUnavailable
from cache_platform.presets import Preset
from cache_platform.ratelimits import Limit, logs_of, take_slots
from cache_platform.reading import lookup_of
from cache_platform.stores import local_copies
from cache_platform.stores.memory import MemoryStore
from cache_platform.testing import FailingStore, FakeClock, isolated_cache

START = 1_700_000_000_000
CHAT = Preset(name="chat", limit=Limit(2, 60))
ADA = CHAT.wish("user:1")


class Counting(FailingStore):
    """A store that lists its calls."""

    def __init__(self, real: MemoryStore) -> None:
        super().__init__(real, set())


@pytest.fixture
def clock() -> FakeClock:
    """The store's clock."""
    return FakeClock(START)


@pytest.fixture
def store(clock: FakeClock) -> Iterator[Counting]:
    """The store, whose calls are listed."""
    with isolated_cache(clock) as memory, pytest.MonkeyPatch.context() as patches:
        counting = Counting(memory)
        for place in ("stores", "reading", "generations"):
            patches.setattr(f"cache_platform.{place}.get_store", lambda: counting)
        for place in ("stores", "ratelimits"):
            patches.setattr(f"cache_platform.{place}.get_state_store", lambda: counting)
        yield counting


@pytest.fixture
def policy(declare: Any) -> CachePolicy[Any]:
    """What is read."""
    found: CachePolicy[Any] = declare(name="test.ahead", params={"id": int}, tags=("t:{id}",), refresh_ahead=0.5)
    return found


def load(id: int) -> dict[str, int]:  # the parameter's name
    """A loader."""
    return {"id": id}


def look(policy: CachePolicy[Any], *, limits: bool = True) -> None:
    """Read entry 1 ahead, which is its own credential, and a slot for Ada."""
    guard = lookup_of(policy, {"id": 1})
    ahead.look([guard], [logs_of([ADA])] if limits else [], guard=guard)


def test_what_was_read_ahead_is_asked_for_no_more(store: Counting, policy: CachePolicy[Any]) -> None:
    """One call for both, and none afterwards; the second time each is asked for anew."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        store.calls.clear()
        first = read(policy, {"id": 1}, load)
        decision = take_slots([ADA])
        assert (first.source, decision.allowed, decision.remaining, store.calls) == ("hit", True, 1, [])
        read(policy, {"id": 1}, load)
        assert take_slots([ADA]).remaining == 0
        assert store.calls == ["lookup", "take"]


def test_an_entry_that_is_due_goes_the_ordinary_way(
    store: Counting, policy: CachePolicy[Any], clock: FakeClock
) -> None:
    """So that it is refreshed ahead of its end: what was read ahead holds no lease."""
    read(policy, {"id": 1}, load)
    clock.advance(40)
    with ahead.scope():
        look(policy)
        store.calls.clear()
        assert read(policy, {"id": 1}, load).source == "hit"
        assert store.calls[0] == "lookup"


def test_an_entry_that_is_missing_goes_the_ordinary_way(store: Counting, policy: CachePolicy[Any]) -> None:
    """With the lease, so that it is loaded once."""
    with ahead.scope():
        look(policy)
        assert read(policy, {"id": 1}, load).stored
        assert take_slots([ADA]).remaining == 1, "nobody's slot was taken for a credential that is not there"


def test_a_load_never_uses_what_was_read_before_it(store: Counting, policy: CachePolicy[Any], declare: Any) -> None:
    """Else it would be stored under generations that are newer than what it was made of, and served from then on."""
    made = declare(name="test.made", params={"id": int}, tags=("t:{id}",))
    value = {"now": "old"}

    def load_part(id: int) -> dict[str, str]:
        return dict(value)

    def load_whole(id: int) -> dict[str, Any]:
        return {"of": read(policy, {"id": id}, load_part).value}

    read(policy, {"id": 1}, load_part)
    with ahead.scope():
        look(policy)
        value["now"] = "new"
        other = threading.Thread(target=lambda: invalidate("t:1"))
        other.start()
        other.join()
        assert read(made, {"id": 1}, load_whole).value == {"of": {"now": "new"}}
    assert read(made, {"id": 1}, load_whole).value == {"of": {"now": "new"}}


def test_two_throttles_of_one_log_take_two_slots(store: Counting, policy: CachePolicy[Any]) -> None:
    """And leak none."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        guard = lookup_of(policy, {"id": 1})
        ahead.look([guard], [logs_of([ADA]), logs_of([ADA])], guard=guard)
        assert [take_slots([ADA]).remaining for _ in range(2)] == [1, 0]
    assert not take_slots([ADA]).allowed


def test_what_was_read_ahead_is_not_kept_in_this_process(store: Counting, declare: Any, clock: FakeClock) -> None:
    """A local copy's time begins when the store is asked, not when what it said is handed out."""
    shared = declare(name="test.shared", params={"id": int}, consistency="relaxed", audience="public", local_ttl=1)
    read(shared, {"id": 1}, load)
    local_copies.reset()
    with ahead.scope():
        look(shared)
        read(shared, {"id": 1}, load)
    assert read(shared, {"id": 1}, load).source == "hit"


def test_a_write_forgets_what_was_read_before_it(store: Counting, policy: CachePolicy[Any]) -> None:
    """A request reads what it has written."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        invalidate("t:1")
        assert read(policy, {"id": 1}, load).source == "load"


def test_a_slot_that_nobody_came_for_is_given_back(store: Counting, policy: CachePolicy[Any]) -> None:
    """As when the request was refused for another reason."""
    read(policy, {"id": 1}, load)
    for _ in range(5):
        with ahead.scope():
            look(policy)
    assert take_slots([ADA]).remaining == 1


def test_a_slot_is_given_back_also_when_the_request_fails(store: Counting, policy: CachePolicy[Any]) -> None:
    """Whatever it raises."""
    read(policy, {"id": 1}, load)

    def fail() -> None:
        with ahead.scope():
            look(policy)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert take_slots([ADA]).remaining == 1


def test_a_slot_that_was_used_stays_taken(store: Counting, policy: CachePolicy[Any]) -> None:
    """The request's end gives back only what nobody came for."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        assert take_slots([ADA]).remaining == 1
    assert take_slots([ADA]).remaining == 0


def test_a_refusal_read_ahead_is_a_refusal(store: Counting, policy: CachePolicy[Any]) -> None:
    """With its moment, and nothing is given back for it."""
    read(policy, {"id": 1}, load)
    take_slots([ADA])
    take_slots([ADA])
    with ahead.scope():
        look(policy)
        refused = take_slots([ADA])
        assert (refused.allowed, refused.retry_after) == (False, 60)
    assert not take_slots([ADA]).allowed


def test_another_limit_than_the_one_read_ahead_is_asked_for(store: Counting, policy: CachePolicy[Any]) -> None:
    """It must be the same identity under the same limit to the letter."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        assert take_slots([CHAT.wish("user:2")]).remaining == 1
        assert take_slots([Preset(name="chat", limit=Limit(9, 60)).wish("user:1")]).remaining == 7


def test_nothing_reaches_another_request_or_thread(store: Counting, policy: CachePolicy[Any]) -> None:
    """What was read ahead is this request's alone; outside of one nothing is read ahead."""
    read(policy, {"id": 1}, load)
    address = policy.address({"id": 1})
    seen: list[object] = []
    with ahead.scope():
        look(policy)
        thread = threading.Thread(target=lambda: seen.append(ahead.found(address)))
        thread.start()
        thread.join()
        with ahead.scope():
            seen.append(ahead.found(address))
        assert ahead.found(address) is not None
    look(policy)
    assert [*seen, ahead.found(address), ahead.taken(logs_of([ADA]))] == [None] * 4


def test_a_store_that_is_away_is_left_to_those_who_ask_it(store: Counting, policy: CachePolicy[Any]) -> None:
    """Reading ahead raises nothing and finds nothing; also when a slot cannot be given back."""
    read(policy, {"id": 1}, load)
    with ahead.scope():
        look(policy)
        store.failing = {"give_back"}
    store.failing = {"look_ahead", "give_back", "take", "lookup"}
    with ahead.scope():
        look(policy)
        assert ahead.found(policy.address({"id": 1})) is None
    with pytest.raises(StoreUnavailable):
        store.look_ahead([], [])
