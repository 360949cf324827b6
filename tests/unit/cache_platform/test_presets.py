"""Presets: the limits that have names, their words, and what the statistics count of them."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from cache_platform import statistics
from cache_platform.exceptions import ParameterError, PolicyError
from cache_platform.inventory import report
from cache_platform.presets import Preset, preset
from cache_platform.ratelimits import Limit, take_slots
from cache_platform.testing import FakeClock, failing_store, isolated_cache

START = 1_700_000_000_000


def limits(settings: Any, **presets: str) -> None:
    """Have the site these presets and no others."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": presets}


def counted(name: str) -> dict[str, int]:
    """What the statistics have of a preset, but for zeros."""
    with mock.patch("cache_platform.inventory.outbox_rows", return_value=None):  # there is no database here
        found = next(each for each in report("5m", timestamp="now")["limits"] if each["name"] == name)
    return {key: found[key] for key in statistics.LIMIT_COUNTERS if found[key]}


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    statistics.counters.forget()


@pytest.mark.parametrize(
    ("text", "without_store", "shadow"),
    [
        ("5/60s", "local", False),
        ("5/60s shadow", "local", True),
        ("5/60s  allow", "allow", False),
        ("5/60s allow shadow", "allow", True),
    ],
)
def test_a_preset_is_read_with_its_words(text: str, without_store: str, shadow: bool) -> None:
    """In any order."""
    found = Preset.parse("chat", text)
    assert (found.limit, found.without_store, found.shadow) == (Limit(5, 60), without_store, shadow)


@pytest.mark.parametrize("text", ["", "shadow", "5/60s silent", "5/60s shadow shadow", "shadow 5/60s", "5 / 60s"])
def test_what_is_no_preset_is_refused(text: str) -> None:
    """With what is allowed."""
    with pytest.raises(ParameterError, match="20/60s"):
        Preset.parse("chat", text)


def test_an_unknown_preset_is_refused_with_those_that_there_are(settings: Any) -> None:
    """As a developer sees it who has misspelt one."""
    limits(settings, chat="1/60s")
    with pytest.raises(PolicyError, match=r"'caht'.*has chat"):
        preset("caht")


def test_each_decision_counts_once_in_its_preset(settings: Any) -> None:
    """And a slot that is given back counts as that."""
    limits(settings, chat="2/60s")
    with isolated_cache(FakeClock(START)):
        first = preset("chat").check("user:1")
        preset("chat").check("user:1")
        preset("chat").check("user:1")
        assert first.slot is not None
        first.slot.give_back()
        assert counted("chat") == {"admitted": 2, "refused": 1, "given_back": 1}


def test_a_limit_in_shadow_counts_and_refuses_nobody(settings: Any) -> None:
    """Its log never holds more than the limit, so that switching it on refuses nobody for what was before."""
    limits(settings, chat="2/60s shadow")
    clock = FakeClock(START)
    with isolated_cache(clock):
        decisions = [preset("chat").check("user:1") for _ in range(5)]
        assert {(each.allowed, each.shadow, each.retry_after) for each in decisions} == {(True, True, 0)}
        assert counted("chat") == {"admitted": 2, "would_refuse": 3}
        limits(settings, chat="2/60s")
        assert preset("chat").check("user:1").retry_after == 60
        clock.advance(60)
        assert preset("chat").check("user:1").remaining == 1


def test_a_limit_in_shadow_does_not_keep_others_from_refusing(settings: Any) -> None:
    """Of two limits, the one that is enforced decides, and the other writes nothing for a request that it refuses."""
    limits(settings, chat="1/60s", chat_address="5/60s shadow")
    with isolated_cache(FakeClock(START)):
        wishes = [preset("chat").wish("user:1"), preset("chat_address").wish("ip:203.0.113.7")]
        assert [take_slots(wishes).allowed for _ in range(3)] == [True, False, False]
        assert counted("chat") == {"admitted": 1, "refused": 2}
        assert counted("chat_address") == {"admitted": 1}


def test_the_limit_that_had_room_did_not_refuse(settings: Any) -> None:
    """Of several limits each counts for itself, and the one that is told is the one that refused."""
    limits(settings, auth="1/60s", auth_address="9/60s")
    with isolated_cache(FakeClock(START)):
        wishes = [preset("auth").wish("ada", "ip:203.0.113.7"), preset("auth_address").wish("ip:203.0.113.7")]
        take_slots(wishes)
        refused = take_slots(wishes)
        assert (refused.kind, refused.limit, refused.retry_after) == ("auth", 1, 60)
        assert counted("auth") == {"admitted": 1, "refused": 1}
        assert counted("auth_address") == {"admitted": 1}


def test_without_the_store_each_preset_does_as_it_says(settings: Any) -> None:
    """One that admits everything does not make another one do so."""
    limits(settings, chat="1/60s", search="1/60s allow")
    with failing_store("take"):
        both = [preset("search").wish("user:1"), preset("chat").wish("user:1")]
        decisions = [take_slots(both) for _ in range(2)]
        assert [(each.allowed, each.enforced) for each in decisions] == [(True, False), (False, False)]
        assert {preset("search").check("user:1").allowed for _ in range(3)} == {True}


def test_who_is_limited_may_be_called_anything(settings: Any) -> None:
    """JSON can carry text that no encoding has."""
    limits(settings, auth="1/60s")
    with isolated_cache(FakeClock(START)):
        assert [preset("auth").check(("\ud800\0*", "ip:unknown")).allowed for _ in range(2)] == [True, False]


def test_without_the_store_a_preset_that_admits_everything_counts_beside_one_that_decides(settings: Any) -> None:
    """A request that is admitted counts in both; one that is refused, in the one that refused it."""
    limits(settings, chat="1/60s", search="1/60s allow")
    with failing_store("take"):
        both = [preset("search").wish("user:1"), preset("chat").wish("user:1")]
        assert [take_slots(both).allowed for _ in range(3)] == [True, False, False]
        assert counted("search") == {"admitted": 1, "unenforced": 1}
        assert counted("chat") == {"admitted": 1, "refused": 2, "unenforced": 3}


def test_a_slot_of_a_limit_that_admits_everything_can_be_given_back(settings: Any) -> None:
    """There is nothing in it, and nothing is counted for it."""
    limits(settings, search="1/60s allow")
    with failing_store("take", "give_back") as store:
        slot = preset("search").check("user:1").slot
        assert slot is not None
        slot.give_back()
        slot.give_back()
        assert "give_back" not in store.calls
        assert counted("search") == {"admitted": 1, "unenforced": 1}


def test_a_log_in_shadow_that_took_nothing_is_not_given_back(settings: Any) -> None:
    """Its statistics would else say that more was given back than admitted."""
    limits(settings, chat="5/60s", watching="1/60s shadow")
    with isolated_cache(FakeClock(START)):
        decisions = [take_slots([preset("chat").wish("user:1"), preset("watching").wish("user:1")]) for _ in range(2)]
        for decision in decisions[::-1]:
            assert decision.slot is not None
            decision.slot.give_back()
        assert counted("chat") == {"admitted": 2, "given_back": 2}
        assert counted("watching") == {"admitted": 1, "would_refuse": 1, "given_back": 1}


def test_giving_back_twice_counts_once(settings: Any) -> None:
    """And frees one slot, not one that another request has."""
    limits(settings, chat="2/60s")
    with isolated_cache(FakeClock(START)):
        slots = [preset("chat").check("user:1").slot for _ in range(2)]
        assert slots[0] is not None
        slots[0].give_back()
        slots[0].give_back()
        assert counted("chat") == {"admitted": 2, "given_back": 1}
        assert preset("chat").check("user:1").remaining == 0


@pytest.mark.parametrize("who", [(), [], 7, None, ("user", 7), [7], b"user"])
def test_who_is_limited_is_a_text_or_several(settings: Any, who: Any) -> None:
    """A number would be limited as whoever has it as an address, a name or a key."""
    limits(settings, chat="1/60s")
    with isolated_cache(FakeClock(START)), pytest.raises(ParameterError, match="is a text, or several"):
        preset("chat").check(who)
