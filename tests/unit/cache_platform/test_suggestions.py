"""Suggestions: each from its threshold on, with figures, and none from a few reads."""

from __future__ import annotations

from typing import Any

import pytest

from cache_platform import suggestions as module
from cache_platform.conf import conf
from cache_platform.statistics import summary
from cache_platform.suggestions import Suggestion, suggestions


@pytest.fixture
def policies(declare: Any) -> None:
    declare(name="test.thing", tags=("shelf",), hard_timeout=5, soft_timeout=1, consistency="relaxed")


def said(counts: dict[str, int], name: str = "test.thing") -> list[Suggestion]:
    return suggestions({"patterns": [{"name": name} | summary(counts)]})


def titles(**counts: int) -> list[str]:
    return [each.title for each in said(counts)]


@pytest.mark.usefixtures("policies")
@pytest.mark.parametrize(
    ("counts", "short", "title", "figures"),
    [
        (
            {"hits": 400, "misses": 60, "loads": 60, "stored": 60, "loads_compared": 50, "loads_unchanged": 46},
            {"loads_unchanged": 44},
            "Raise the TTL",
            "92.0 % of 50 loads gave the value of the one before; the TTL is 60 s.",
        ),
        (
            {"hits": 19, "misses": 181, "loads": 181, "stored": 181},
            {"hits": 21, "misses": 179},
            "Not worth caching as it is",
            "9.5 % of 200 reads are hits. Most entries are read once within their TTL of 60 s",
        ),
        (
            {"hits": 100, "misses": 60, "loads": 3, "stored": 60, "superseded": 31},
            {"superseded": 30},
            "Narrow its tags",
            "31 entries were superseded before they ended, of 60 stored. Its tags: shelf.",
        ),
        ({"loads": 20, "load_errors": 3}, {"load_errors": 2}, "Look at its source", "13.0 % of 23 loads failed."),
        (
            {"hits": 100, "loads": 50, "load_ms_le_2500": 50},
            {"load_ms_le_2500": 0, "load_ms_le_500": 50},
            "Its loads are slower than readers wait",
            "One load in twenty takes about 2475 ms or more; after the soft timeout of 1 s",
        ),
        (
            {"hits": 100, "loads": 50, "load_ms_le_5000": 50},
            {"load_ms_le_5000": 0, "load_ms_le_500": 50},
            "Its loads nearly time out",
            "One load in twenty takes about 4950 ms or more; the hard timeout is 5 s.",
        ),
        (
            {"hits": 100, "misses": 100, "collapsed": 41, "loads": 59},
            {"collapsed": 40},
            "Refresh it ahead",
            "20.5 % of 200 reads waited for a load",
        ),
    ],
)
def test_each_from_its_threshold_on(counts: Any, short: Any, title: str, figures: str) -> None:
    """With the figures; a little less, and a tenth of it all, say nothing."""
    [found] = said(counts)
    assert (found.policy, found.title) == ("test.thing", title)
    assert figures in found.reason
    assert titles(**{**counts, **short}) == []
    assert titles(**{name: amount // 10 for name, amount in counts.items()}) == []


@pytest.mark.usefixtures("policies")
def test_large_entries_are_said_to_be(settings: Any) -> None:
    """Before they are too large to be stored."""
    most = conf.max_entry_bytes
    counts = {"loads": 50, "stored": 50, "bytes_stored": 50 * (most // 2)}
    assert titles(**counts) == ["Make its values smaller"]
    assert titles(**{**counts, "bytes_stored": 50 * (most // 2 - 1)}) == []


@pytest.mark.usefixtures("policies")
def test_a_longer_ttl_does_not_help_what_writes_supersede() -> None:
    """Then its tags are the matter, and that nothing changed speaks against them too."""
    same = {"loads_compared": 290, "loads_unchanged": 290}
    counts = {"hits": 1, "misses": 300, "loads": 300, "stored": 300, "superseded": 290, **same}
    [found] = said(counts)
    assert found.title == "Narrow its tags"
    assert "100.0 % of 290 loads gave the value of the one before" in found.reason


@pytest.mark.usefixtures("policies")
def test_what_is_seldom_hit_for_a_reason_that_is_known_is_not_told_another() -> None:
    """Loads that fail, readers that come all at once, and values that are not stored."""
    counts = {"misses": 300, "loads": 250, "stored": 250}
    assert titles(**counts) == ["Not worth caching as it is"]
    assert titles(**counts, load_errors=50) == ["Look at its source"]
    assert titles(**counts, collapsed=100) == ["Refresh it ahead"]
    assert titles(**{**counts, "stored": 100}) == []


def test_a_policy_without_tags_of_its_own_has_none_to_narrow(declare: Any) -> None:
    """Only flushes supersede its entries."""
    declare(name="test.plain")
    assert said({"hits": 100, "misses": 60, "loads": 60, "stored": 60, "superseded": 50}, "test.plain") == []


@pytest.mark.usefixtures("policies")
def test_loads_above_the_last_bound_are_over_it() -> None:
    """Nobody knows by how much."""
    [found] = said({"hits": 100, "loads": 50, "load_ms_le_inf": 50})
    assert found.reason == "One load in twenty takes over 60 s; the hard timeout is 5 s."


def test_what_cannot_be_followed_is_not_suggested(declare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer TTL for what ends by itself or is kept for days; refreshing ahead where it is done; and nothing for
    policies that are off or not there any more."""
    same = {"hits": 400, "misses": 60, "loads": 60, "loads_compared": 60, "loads_unchanged": 60}
    waits = {"hits": 100, "misses": 100, "collapsed": 90, "loads": 10}
    declare(name="test.ends", until=lambda value: 0.0)
    declare(name="test.long", ttl=module.LONG_TTL)
    declare(name="test.ahead", refresh_ahead=0.2)
    declare(name="test.off")
    monkeypatch.setenv("CACHE_TTL_TEST_OFF", "0")
    for name, counts in (("ends", same), ("long", same), ("ahead", waits), ("off", same), ("gone", same)):
        assert said(counts, f"test.{name}") == []


def test_nothing_is_suggested_without_the_store() -> None:
    """Whose numbers are then not known."""
    assert suggestions({"patterns": [], "performance": None}) == []
