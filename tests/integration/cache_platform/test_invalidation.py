"""Invalidation and flushing: what goes, what stays, and what they answer."""

from __future__ import annotations

from typing import Any

import pytest

from cache_platform import (
    ParameterError,
    PolicyError,
    UnknownPolicy,
    flush_all,
    flush_pattern,
    flush_policy,
    get_or_load,
    invalidate,
    invalidate_user,
    peek,
    put,
    read,
)
from cache_platform.statistics import counters, read_window
from cache_platform.stores import get_store
from cache_platform.stores.memory import MemoryStore
from tests.integration.cache_platform.test_read_path import never

pytestmark = pytest.mark.usefixtures("store")


def fill(policy: Any, *numbers: int) -> None:
    """Entries for these ids."""
    for number in numbers:
        get_or_load(policy, {"id": number}, lambda id: {"n": id})


def there(policy: Any, number: int) -> bool:
    """Whether a read would be a hit."""
    return peek(policy, {"id": number}) is not None


def test_a_users_entries_go_together(strict: Any) -> None:
    """And nobody else's."""
    fill(strict, 1, 2)
    assert invalidate_user(1) == 1
    assert [there(strict, number) for number in (1, 2)] == [False, True]


def test_several_tags_at_once_and_doubles_count_once(strict: Any) -> None:
    """One script for all tags."""
    fill(strict, 1, 2, 3)
    assert invalidate("user:1", "user:2", "user:1") == 2
    assert [there(strict, number) for number in (1, 2, 3)] == [False, False, True]


def test_a_policy_is_flushed_at_constant_cost(strict: Any, relaxed: Any) -> None:
    """One generation, however many entries; by policy or by name."""
    fill(strict, 1, 2)
    fill(relaxed, 1)
    assert flush_policy(strict) == 1
    assert not there(strict, 1)
    assert there(relaxed, 1)
    assert flush_policy("test.relaxed") == 1
    assert not there(relaxed, 1)
    with pytest.raises(UnknownPolicy):
        flush_policy("test.unknown")


def test_everything_goes_but_statistics(strict: Any, relaxed: Any) -> None:
    """Entries of all policies; what was counted stays."""
    fill(strict, 1)
    fill(relaxed, 1)
    counters.send()
    assert flush_all() == 1
    assert not there(strict, 1)
    assert not there(relaxed, 1)
    assert read_window("5m")["test.strict"]["misses"] == 1


def test_entries_are_deleted_by_pattern(strict: Any, relaxed: Any) -> None:
    """A Redis glob after the prefix; it says how many."""
    fill(strict, 1, 2, 21)
    fill(relaxed, 2)
    assert flush_pattern("test.strict:id=2*") == 2
    assert [there(strict, number) for number in (1, 2, 21)] == [True, False, False]
    assert there(relaxed, 2)
    assert flush_pattern("test.*") == 2


def test_a_pattern_reaches_entries_only(strict: Any) -> None:
    """Generations, statistics and other programs' keys stay, whatever the pattern."""
    fill(strict, 1)
    counters.send()
    plant_foreign_key()
    before = get_store().lookup([lookup_of(strict, 1)])[0].signature
    assert flush_pattern("*") == 1
    assert flush_pattern("../*") == 0
    assert get_store().lookup([lookup_of(strict, 1)])[0].signature == before
    assert read_window("5m")["test.strict"]["misses"] == 1
    assert foreign_key_is_there()


def test_what_is_no_tag_is_refused_before_anything_is_bumped(strict: Any) -> None:
    """A mistyped tag would invalidate nothing, silently."""
    fill(strict, 1)
    with pytest.raises(ParameterError):
        invalidate("user:1", "User 1")
    assert there(strict, 1)


def test_nothing_to_invalidate_is_nothing_done() -> None:
    """No tags, no round trip."""
    assert invalidate() == 0


def test_peek_neither_loads_nor_counts(strict: Any) -> None:
    """It takes no lease either: the next reader loads at once."""
    assert peek(strict, {"id": 1}) is None
    assert read(strict, {"id": 1}, lambda id: {"n": 1}).source == "load"
    assert peek(strict, {"id": 1}) == {"n": 1}
    assert read_window("5m")["test.strict"].get("hits", 0) == 0


def test_put_stores_for_relaxed_policies_only(relaxed: Any, strict: Any) -> None:
    """A strict policy's value must come from a loader, or it could be older than a write."""
    assert put(relaxed, {"id": 1}, {"n": 1}) is True
    assert read(relaxed, {"id": 1}, never).value == {"n": 1}
    with pytest.raises(PolicyError):
        put(strict, {"id": 1}, {"n": 1})


def lookup_of(policy: Any, number: int) -> Any:
    """A lookup that changes nothing."""
    from cache_platform.reading import Reading

    return Reading(policy, {"id": number}, lambda: None, None).lookup(lease=False)


def plant_foreign_key() -> None:
    """Another program's key in the same Redis."""
    if not isinstance(get_store(), MemoryStore):
        from cache_platform.stores.connection import get_client

        get_client("default").set("other:test.strict:id=1:x", "theirs")


def foreign_key_is_there() -> bool:
    """Whether it survived."""
    if isinstance(get_store(), MemoryStore):
        return True
    from cache_platform.stores.connection import get_client

    return bool(get_client("default").exists("other:test.strict:id=1:x"))
