"""Looking at an entry without touching anything, and the newest loads: memory and a real Valkey do the same."""

from __future__ import annotations

from typing import Any

import pytest

from cache_platform import keys
from cache_platform.policies import Address
from cache_platform.stores.base import LOADS_KEPT, Lookup, Seen, Store
from tests.contracts.test_stores import MINUTE, address, entry_for, fill, look, make_address, store
from tests.services.waiting import wait_until

__all__ = ["address", "store"]


def inspect(store: Store, address: Address, *, strict: bool = True) -> Seen:
    return store.inspect(Lookup(address=address, strict=strict, tag_ms=MINUTE))


@pytest.mark.parametrize("strict", [True, False])
def test_an_entry_is_seen_as_a_reader_would_find_it(store: Store, address: Address, strict: bool) -> None:
    """Byte for byte, valid, by the store's own time."""
    entry = entry_for(look(store, address, strict=strict))
    fill(store, address, entry, strict=strict)
    seen = inspect(store, address, strict=strict)
    assert (seen.blob, seen.valid, seen.held) == (entry.dump(), True, False)
    assert 0 <= seen.now - entry.times.loaded < MINUTE
    assert not inspect(store, address, strict=not strict).valid


def test_looking_makes_up_nothing(store: Store, address: Address) -> None:
    """No generation, no epoch, no lease."""
    before = set(store.scan("cp:*"))
    seen = inspect(store, address)
    assert (seen.blob, seen.valid, seen.held) == (None, False, False)
    assert set(store.scan("cp:*")) == before
    fill(store, address, entry_for(look(store, address)))
    before = set(store.scan("cp:*"))
    assert inspect(store, address).valid
    assert set(store.scan("cp:*")) == before
    assert look(store, make_address("other", "user:1"), token="t" * 16).lease.value == "W"


@pytest.mark.parametrize("how", ["bump", "lose a tag", "other tags"])
def test_a_superseded_entry_is_seen_and_not_valid(store: Store, address: Address, how: str) -> None:
    """It is there until somebody loads anew."""
    entry = entry_for(look(store, address))
    fill(store, address, entry)
    if how == "bump":
        store.bump(address.tag_keys[1:])
    elif how == "lose a tag":
        store.delete(address.tag_keys[:1])
    else:
        address = Address(key=address.key, tag_keys=address.tag_keys[:1], digest=keys.digest(["user:1"]))
    seen = inspect(store, address)
    assert (seen.blob, seen.valid) == (entry.dump(), False)


def test_a_hold_is_seen_and_its_end_supersedes(store: Store, address: Address) -> None:
    """As for readers: whether a writer that died committed is unknown."""
    fill(store, address, entry_for(look(store, address)))
    store.hold(address.tag_keys[:1], "a" * 16, MINUTE)
    seen = inspect(store, address)
    assert (seen.valid, seen.held) == (True, True)
    store.let_go(address.tag_keys[:1], "a" * 16)
    assert (inspect(store, address).valid, inspect(store, address).held) == (True, False)
    store.hold(address.tag_keys[:1], "b" * 16, 1)
    wait_until(lambda: not inspect(store, address).held, what="the hold has ended")
    assert not inspect(store, address).valid


def test_the_newest_loads_are_kept_once_each(store: Store) -> None:
    """The newest first, of each policy apart, however often a batch is sent and however many there are."""
    store.add_counters("p1", 1, {}, {"a.a": [b"1", b"2"], "b.b": [b"x"]})
    store.add_counters("p1", 1, {}, {"a.a": [b"1", b"2"]})
    store.add_counters("p2", 1, {"a.a|loads": 1}, {"a.a": [b"3"]})
    assert store.read_loads("a.a") == [b"3", b"2", b"1"]
    assert store.read_loads("b.b") == [b"x"]
    assert store.read_loads("c.c") == []
    assert store.read_counters(minutes=5) == {"a.a|loads": 1}
    many = [str(number).encode() for number in range(LOADS_KEPT + 5)]
    store.add_counters("p2", 2, {}, {"a.a": many})
    assert store.read_loads("a.a") == many[: -LOADS_KEPT - 1 : -1]


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("cp:test.a?:*", "a1 ab"), ("cp:test.[a-b]1:*", "a1"), ("cp:test.a[^b]:*", "a1"), ("cp:test.a[!b]:*", "ab"),
        ("cp:test.a[1-9b]:*", "a1 ab"), (r"cp:test.a\?:*", ""), ("cp:test.a[2-0]:*", "a1"), ("cp:test.[^x]b:*", "ab"),
        (r"cp:test.a[\b]:*", "ab"), ("cp:test.a.:*", ""), ("cp:test.(ab|a1):*", ""), ("cp:test.a[b", ""),
    ],
)  # fmt: skip
def test_globs_are_those_of_redis(store: Store, glob: str, found: str) -> None:
    """Sets, with ^ for what is not in them and ! for itself; what has a meaning elsewhere has none."""
    for name in ("ab", "a1"):
        fill(store, make_address(name, "user:1"), entry_for(look(store, make_address(name, "user:1"))))
    names: Any = sorted(store.scan(glob))
    assert names == [make_address(name).key for name in found.split()]
