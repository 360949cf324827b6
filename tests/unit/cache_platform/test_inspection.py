"""Looking at one entry: by what staff type, as readers would find it, and without its value where it is private."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.views.debug import ExceptionReporter

from cache_platform import InvalidQuery, StoreUnavailable, flush_policy, get_or_load
from cache_platform.inspection import LONGEST_VALUE, look_up, problems, typed
from cache_platform.statistics import counters
from cache_platform.stores.base import Store
from cache_platform.testing import FakeClock, failing_store, isolated_cache

NOW = 1_800_000_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW * 1000)


@pytest.fixture(autouse=True)
def memory(clock: FakeClock) -> Iterator[Store]:
    with isolated_cache(clock) as store:
        yield store


@pytest.fixture
def place(declare: Any) -> Any:
    return declare(
        name="test.place", params={"lat": float}, audience="public", consistency="relaxed", stale_for=60, schema=dict
    )


def test_an_entry_is_shown_with_its_times(place: Any, clock: FakeClock) -> None:
    """Fresh, then stale, then expired; what the value is, how large, and how it is written."""
    get_or_load(place, {"lat": 52.5}, lambda lat: {"name": "Größe"})
    clock.advance(20)
    found = look_up(place, {"lat": "52.50"})
    assert (found.policy, found.key) == ("test.place", place.address({"lat": 52.5}).key)
    assert (found.state, found.age, found.remaining) == ("fresh", 20, 40)
    assert (found.loaded_at, found.fresh_until, found.kept_until) == (NOW, NOW + 60, NOW + 120)
    assert (found.bytes, found.codec, found.hidden) == (14, "MessagePack", False)
    assert found.value == '{\n  "name": "Größe"\n}'
    clock.advance(50)
    assert (look_up(place, {"lat": 52.5}).state, look_up(place, {"lat": 52.5}).remaining) == ("stale", -10)
    clock.advance(50)
    found = look_up(place, {"lat": 52.5})
    assert (found.state, found.age, found.value) == ("absent", None, None)


def test_all_that_is_wrong_is_told_at_once(declare: Any) -> None:
    """By the parameter's name; nothing of what is right."""
    there = declare(name="test.there", params={"lat": float, "lon": float, "days": int}, schema=dict)
    assert problems(there, {"lat": "north", "lon": "13.4"}) == {
        "lat": "must be a number, as in 52.52",
        "days": "must be a whole number, as in 42",
    }
    assert problems(there, {"lat": "52.5", "lon": "13.4", "days": "3"}) == {}


def test_looking_counts_and_changes_nothing(place: Any, memory: Store) -> None:
    """No read, no load, no generation of a tag that was never used."""
    assert look_up(place, {"lat": "1"}).state == "absent"
    assert list(memory.scan("cp:*")) == []
    assert counters._counts == {}


def test_superseded_and_held_entries_are_told_apart(declare: Any, memory: Store) -> None:
    """A hold keeps a strict policy's readers away, a relaxed one's not."""
    strict = declare(name="test.strict", params={"n": int})
    relaxed = declare(name="test.relaxed", params={"n": int}, consistency="relaxed")
    for policy in (strict, relaxed):
        get_or_load(policy, {"n": 1}, lambda n: {"n": n})
        memory.hold(policy.address({"n": 1}).tag_keys[1:2], "a" * 16, 10_000)
    assert (look_up(strict, {"n": "1"}).state, look_up(relaxed, {"n": "1"}).state) == ("held", "fresh")
    flush_policy(strict)
    assert look_up(strict, {"n": "1"}).state == "superseded"


@pytest.mark.parametrize(
    "declared", [{"audience": "private"}, {"audience": "public", "secret_params": frozenset({"name"})}]
)
def test_values_of_private_policies_stay_hidden(declare: Any, memory: Store, declared: Any) -> None:
    """And of those with secret parameters; all else is shown. One that cannot be read says nothing of it either."""
    policy = declare(name="test.private", params={"name": str}, schema=dict, **declared)
    get_or_load(policy, {"name": "a"}, lambda name: {"word": "hush"})
    found = look_up(policy, {"name": "a"})
    assert (found.state, found.hidden, found.value, found.bytes) == ("fresh", True, None, 11)
    assert "hush" not in repr(found)
    wrong = declare(name="test.other", params={"name": str}, schema=list[int], **declared)
    other = declare(name="test.others", params={"name": str}, schema=dict, **declared)
    get_or_load(other, {"name": "a"}, lambda name: {"word": "hush"})
    object.__setattr__(other, "decoder", wrong.decoder)
    found = look_up(other, {"name": "a"})
    assert (found.state, found.problem, found.value) == ("absent", "it cannot be read", None)


def test_not_found_and_long_values(place: Any) -> None:
    """What the source has not is said in words; a long value is cut where it can be seen."""
    get_or_load(place, {"lat": 0}, lambda lat: None)
    found = look_up(place, {"lat": "-0"})
    assert (found.state, found.codec, found.value, found.bytes) == ("fresh", "not found", "null", 0)
    get_or_load(place, {"lat": 1}, lambda lat: {"text": "x" * 100_000})
    found = look_up(place, {"lat": "1"})
    assert found.codec == "MessagePack, zstandard"
    assert found.value is not None
    assert (len(found.value), found.value[-1]) == (LONGEST_VALUE, "…")


def test_texts_become_what_the_policy_declares(declare: Any) -> None:
    """As a form sends them; what has the type already stays."""
    kinds = {"s": str, "i": int, "f": float, "b": bool, "u": UUID, "d": date}
    policy = declare(name="test.all", params=kinds)
    uuid = "8c0c3027-09e5-4d52-8a3a-2d3a4f4f2b1e"
    wanted = {"s": "", "i": -4, "f": 2.5, "b": True, "u": UUID(uuid), "d": date(2026, 1, 31)}
    assert typed(policy, {"s": "", "i": "-4", "f": "2.5", "b": "True", "u": uuid, "d": "2026-01-31"}) == wanted
    assert typed(policy, wanted) == wanted


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        (int, "4.0", "a whole number"), (int, "", "a whole number"), (int, "1_0", "a whole number"),
        (int, "\u0664", "a whole number"), (int, True, "a whole number"), (float, "nan", "a number"),
        (float, "1e999", "a number"), (float, "1_0", "a number"), (float, "x", "a number"),
        (bool, "1", "true or false"), (UUID, "x", "a UUID"), (date, "31.1.2026", "a date"),
        (str, "\ud800", "a text"), (str, 4, "a text"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(declare: Any, kind: type, given: object, says: str) -> None:
    """With what is allowed, before the store is asked."""
    policy = declare(name="test.one", params={"it": kind})
    with failing_store("inspect"), pytest.raises(InvalidQuery, match=f"must be {says}") as refused:
        look_up(policy, {"it": given})
    assert refused.value.field == "it"


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [({}, "lat", "is missing"), ({"lat": "1", "lon": "2"}, "lon", "no parameter of test.place, which has lat")],
)
def test_missing_and_unknown_parameters_are_refused(place: Any, given: Any, field: str, says: str) -> None:
    """By name."""
    with pytest.raises(InvalidQuery, match=says) as refused:
        look_up(place, given)
    assert refused.value.field == field


def test_without_the_store_nothing_is_known(place: Any) -> None:
    """It says so."""
    with failing_store("inspect"), pytest.raises(StoreUnavailable):
        look_up(place, {"lat": "1"})


def test_an_error_report_hides_what_was_typed(declare: Any, memory: Store) -> None:
    """Of whatever goes wrong while somebody looks, secrets may be among it."""
    policy = declare(name="test.secret", params={"token": str}, secret_params=frozenset({"token"}))
    with mock.patch.object(memory, "inspect", side_effect=ZeroDivisionError):
        try:
            look_up(policy, {"token": "planted" + "-word"})
        except ZeroDivisionError:
            report = ExceptionReporter(None, *sys.exc_info()).get_traceback_html()
    assert "look_up" in report
    assert "-".join(("planted", "word")) not in report
