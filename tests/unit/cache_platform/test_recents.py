"""The newest loads: what is noted of each, and what never is; and which loads brought nothing new."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from cache_platform import (
    SourceBackoff,
    SourceMalformed,
    SourceRefused,
    StoreUnavailable,
    UnknownPolicy,
    flush_policy,
    get_many_or_load,
    get_or_load,
    put,
    recents,
    statistics,
)
from cache_platform.changes import Changes
from cache_platform.entries import Entry, Times
from cache_platform.exceptions import PolicyError, SourceError, SourceUnavailable
from cache_platform.recents import LONGEST_ERROR
from cache_platform.statistics import counters, read_window, summary
from cache_platform.stores.base import LOADS_KEPT
from cache_platform.stores.memory import MemoryStore
from cache_platform.testing import FakeClock, PausedLoader, failing_store, isolated_cache


@pytest.fixture(autouse=True)
def memory() -> Iterator[MemoryStore]:
    with isolated_cache(FakeClock(1_800_000_000_000)) as store:
        yield store


@pytest.fixture
def thing(declare: Any) -> Any:
    return declare(name="test.thing", params={"name": str}, tags=("thing:{name}",), secret_params=frozenset({"name"}))


def load(policy: Any, name: str, outcome: Any) -> None:
    """A load of `name` that gives `outcome`, or raises it."""

    def loader(name: str) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with suppress(SourceError, PolicyError, ValueError):
        get_or_load(policy, {"name": name}, loader)


def test_a_load_is_noted_without_its_value(thing: Any, memory: MemoryStore) -> None:
    """When, the key as it is in the store, how long and how large; of secrets only what the key shows."""
    load(thing, "hush", {"word": "private"})
    load(thing, "none", None)
    none, found = recents.read("test.thing")
    assert (found.at, found.key) == (1_800_000_000, thing.address({"name": "hush"}).key.removeprefix("cp:"))
    assert (found.bytes, found.error) == (len(msgspec.msgpack.encode({"word": "private"})), None)
    assert found.milliseconds >= 0
    assert (none.bytes, none.error) == (0, None)
    for word in (b"hush", b"private", b"word"):
        assert not any(word in text for text in memory.read_loads("test.thing"))


@pytest.mark.parametrize(
    ("audience", "error", "said"),
    [
        ("public", SourceRefused("news", "HTTP 400: no such place"), "SourceRefused: news: HTTP 400: no such place"),
        ("private", SourceRefused("chat", "HTTP 400: what ada asked"), "SourceRefused: chat: HTTP 400"),
        ("private", SourceMalformed("chat", "the answer has no end"), "SourceMalformed: chat: the answer has no end"),
        ("public", ValueError("with a value"), "ValueError"),
        ("public", SourceMalformed("news", "x" * 500), f"SourceMalformed: news: {'x' * 500}"[:LONGEST_ERROR]),
    ],
)
def test_a_failed_load_is_noted_by_its_error(declare: Any, audience: str, error: Exception, said: str) -> None:
    """Its class, and the text where it is the platform's own; not what a source may repeat of a private question."""
    policy = declare(name="test.thing", params={"name": str}, audience=audience)
    load(policy, "a", error)
    [found] = recents.read("test.thing")
    assert (found.error, found.bytes) == (said, None)
    assert read_window("5m")["test.thing"]["load_errors"] == 1


def test_a_value_that_does_not_fit_is_a_failed_load(thing: Any) -> None:
    """Noted by its class, as the text may have parts of the value; counted and backed off from as any other."""
    load(thing, "a", ["no dict"])
    with pytest.raises(SourceBackoff):
        get_or_load(thing, {"name": "a"}, lambda name: {})
    assert [found.error for found in recents.read("test.thing")] == ["PolicyError"]
    found = read_window("5m")["test.thing"]
    assert (found.get("loads", 0), found["load_errors"], sum("load_ms" in name for name in found)) == (0, 1, 0)


def test_a_batch_of_which_a_value_does_not_fit_is_one_failed_load(thing: Any, settings: Any) -> None:
    """With caching off too."""
    params = [{"name": name} for name in "ab"]
    with pytest.raises(PolicyError):
        get_many_or_load(thing, params, lambda wanted: [{}, ["no dict"]])
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "ENABLED": False}
    with pytest.raises(PolicyError):
        get_many_or_load(thing, params, lambda wanted: [{}, ["no dict"]])
    found = read_window("5m")["test.thing"]
    assert (found.get("loads", 0), found["load_errors"]) == (0, 2)
    assert [found.error for found in recents.read("test.thing")] == ["PolicyError"] * 2


def test_superseded_entries_are_counted_by_who_loads_them_anew(
    thing: Any, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by those who wait; in a batch each entry is one."""
    params = [{"name": name} for name in "abc"]
    for each in params:
        load(thing, each["name"], {"v": 1})
    flush_policy(thing)
    paused = PausedLoader({"v": 2})
    readers = [threading.Thread(target=get_or_load, args=(thing, {"name": "a"}, paused)) for _ in range(5)]
    looks, lookup = threading.Semaphore(0), memory.lookup
    monkeypatch.setattr(memory, "lookup", lambda wishes: (lookup(wishes), looks.release())[0])
    for reader in readers:
        reader.start()
    assert all(looks.acquire(timeout=10) for _ in readers), "each has found the old entry"
    paused.wait_until_entered()
    paused.resume()
    for reader in readers:
        reader.join()
    assert read_window("5m")["test.thing"]["superseded"] == 1
    get_many_or_load(thing, params, lambda wanted: [{"v": 3}] * len(wanted))
    found = read_window("5m")["test.thing"]
    assert (found["superseded"], found["loads"]) == (3, 3 + 1 + 1), "a batch is one load"


def test_each_value_of_a_batch_is_noted(thing: Any) -> None:
    """With the time of their one load; a batch that failed is one error."""
    params = [{"name": name} for name in "abc"]
    get_many_or_load(thing, params, lambda wanted: [{"v": each["name"]} for each in wanted])
    found = recents.read("test.thing")
    assert {each.key for each in found} == {thing.address(each).key.removeprefix("cp:") for each in params}
    assert len({each.milliseconds for each in found}) == 1

    def fail(wanted: Any) -> Any:
        raise SourceMalformed("s", "no")

    with pytest.raises(SourceMalformed):
        get_many_or_load(thing, [{"name": "d"}, {"name": "e"}], fail)
    assert [each.error for each in recents.read("test.thing")] == ["SourceMalformed: s: no", None, None, None]


def test_hits_and_what_is_put_are_no_loads(declare: Any) -> None:
    """Only calls of loaders are noted."""
    policy = declare(name="test.thing", params={"name": str}, consistency="relaxed")
    put(policy, {"name": "a"}, {})
    load(policy, "a", AssertionError("loaded"))
    assert recents.read("test.thing") == []


def test_the_newest_fifty_are_kept_through_an_outage(thing: Any, memory: MemoryStore) -> None:
    """However many there are: neither the process nor the store keeps more, and none comes twice."""
    with failing_store("add_counters"):
        for number in range(LOADS_KEPT + 20):
            load(thing, str(number), {"v": number})
            counters.send()
            waiting = [text for batch in counters._unsent for texts in batch.loads.values() for text in texts]
            assert len(waiting) + len(counters._loads.get("test.thing", ())) <= 2 * LOADS_KEPT
    counters.send()
    found = recents.read("test.thing")
    assert len(found) == LOADS_KEPT == len({each.key for each in found})
    assert found[0].key == thing.address({"name": str(LOADS_KEPT + 19)}).key.removeprefix("cp:")


def test_reading_them_asks_no_more_than_it_must(thing: Any) -> None:
    """An unknown policy and a store that is away are errors; what somebody else wrote is left out."""
    with pytest.raises(UnknownPolicy):
        recents.read("test.nothing")
    with failing_store("read_loads"), pytest.raises(StoreUnavailable):
        recents.read("test.thing")
    line = '{"at": %s, "key": "k", "milliseconds": 1, "bytes": %s, "error": null}'
    strange = [(line % each).encode() for each in (("1e300", 1), ("-1", 1), (1, 10**400), (1, -1))]
    statistics.get_store().add_counters("p", 1, {}, {"test.thing": [b"{", b"[]", b"\xff", b'{"at": 1}', *strange]})
    assert recents.read("test.thing") == []


def test_loads_that_bring_nothing_new_are_counted(thing: Any) -> None:
    """Each is compared with the load before it of the same thing, if this process remembers one."""
    for value in ({"v": 1}, {"v": 1}, {"v": 2}, None, None):
        load(thing, "a", value)
        flush_policy(thing)
    load(thing, "b", {"v": 1})
    found = read_window("5m")["test.thing"]
    assert (found["loads"], found["loads_compared"], found["loads_unchanged"]) == (6, 4, 2)


def test_a_load_that_was_not_made_is_no_call(thing: Any) -> None:
    """A source that is left alone was not asked: no error of it, and nothing that pushes real loads out of the list."""
    load(thing, "a", SourceUnavailable("weather", "no answer"))
    for name in "bcd":
        load(thing, name, SourceBackoff("weather", "is left alone for a while", retry_after=5))
    shown = summary(read_window("5m")["test.thing"])
    assert (shown["load_errors"], shown["left_alone"], shown["providerCalls"]) == (1, 3, 1)
    assert [each.error for each in recents.read("test.thing")] == ["SourceUnavailable: weather: no answer"]


def test_few_loads_are_remembered() -> None:
    """The one that was loaded longest ago is forgotten first."""
    changes = Changes(most=2)
    entry = Entry("s", Times.starting(0, ttl=1, stale_for=0, refresh_ahead=0), "m", b"x")
    assert [changes.counted(key, entry) for key in "aba"] == [{}, {}, {"loads_compared": 1, "loads_unchanged": 1}]
    assert changes.counted("c", entry) == {}
    assert changes.counted("b", entry) == {}
