"""Limits: what they admit, what they say, and what they do without their store."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache_platform import Budget, keys, read
from cache_platform.exceptions import BudgetExceeded, ParameterError
from cache_platform.ratelimits import Decision, Limit, RateLimiter
from cache_platform.testing import FakeClock, failing_store, isolated_cache

START = 1_700_000_000_000


def outcome(decision: Decision) -> tuple[bool, int, float]:
    """Allowed, remaining, seconds to wait."""
    return decision.allowed, decision.remaining, decision.retry_after


@pytest.mark.parametrize("text", ["20/60s", " 1/1s ", "100/3600s"])
def test_a_limit_is_read_and_written(text: str) -> None:
    """The way that the environment has it."""
    assert str(Limit.parse(text)) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "20", "20/60", "20/m", "0/60s", "20/0s", "-1/60s", "5/h15", "1.5/60s", "\u0665/60s", "20/60s x"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    """With what is allowed: a limit that is read wrongly limits nothing."""
    with pytest.raises(ParameterError, match="20/60s"):
        Limit.parse(text)


@pytest.mark.parametrize(("limit", "window"), [(0, 60), (1, 0), (1, -1), (1, 8 * 86_400)])
def test_numbers_that_are_no_limit_are_refused(limit: int, window: float) -> None:
    """Whoever calls with them is told at once."""
    with pytest.raises(ParameterError):
        RateLimiter().check("a", limit, window)


def test_exactly_the_limit_is_admitted() -> None:
    """And each decision says what is left."""
    clock = FakeClock(START)
    with isolated_cache(clock):
        limiter = RateLimiter()
        assert [outcome(limiter.check("a", 3, 60)) for _ in range(4)] == [
            (True, 2, 0),
            (True, 1, 0),
            (True, 0, 0),
            (False, 0, 60),
        ]
        assert limiter.check("b", 3, 60).allowed


def test_a_retry_at_retry_after_is_admitted_and_one_second_earlier_is_not() -> None:
    """To the second, as the header has it."""
    clock = FakeClock(START)
    with isolated_cache(clock):
        limiter = RateLimiter()
        limiter.check("a", 1, 60)
        clock.advance(12.3)
        refused = limiter.check("a", 1, 60)
        assert (refused.retry_after, refused.retry_after_seconds) == (47.7, 48)
        clock.advance(47)
        assert not limiter.check("a", 1, 60).allowed
        clock.advance(1)
        assert limiter.check("a", 1, 60).allowed


def test_a_refusal_costs_nothing() -> None:
    """Asking again and again does not push the moment away."""
    clock = FakeClock(START)
    with isolated_cache(clock):
        limiter = RateLimiter()
        limiter.check("a", 1, 60)
        for _ in range(59):
            clock.advance(1)
            assert not limiter.check("a", 1, 60).allowed
        clock.advance(1)
        assert limiter.check("a", 1, 60).allowed


@given(
    st.integers(1, 5),
    st.integers(1, 20),
    st.lists(st.integers(0, 8_000), min_size=1, max_size=60),
)
def test_no_half_open_window_holds_more_than_the_limit_and_none_is_refused_in_vain(
    limit: int, window: int, pauses: list[int]
) -> None:
    """Whatever the moments at which requests come."""
    clock = FakeClock(START)
    admitted: list[int] = []
    with isolated_cache(clock):
        limiter = RateLimiter()
        for pause in pauses:
            clock.advance(pause / 1000)
            now = clock.now
            before = [at for at in admitted if at > now - window * 1000]
            decision = limiter.check("a", limit, window)
            assert decision.allowed is (len(before) < limit)
            if decision.allowed:
                admitted.append(now)
    for start in admitted:
        assert len([at for at in admitted if start <= at < start + window * 1000]) <= limit


def test_several_limits_are_taken_together_or_not_at_all() -> None:
    """The one that refuses is the one that is told."""
    clock = FakeClock(START)
    with isolated_cache(clock):
        limiter = RateLimiter()
        account, address = ("ada", Limit(1, 60)), ("203.0.113.7", Limit(5, 30))
        first = limiter.check_all([account, address])
        assert (first.allowed, first.limit, first.remaining) == (True, 1, 0)
        second = limiter.check_all([account, address])
        assert (second.allowed, second.limit, second.window, second.retry_after) == (False, 1, 60, 60)
        assert limiter.check("203.0.113.7", 5, 30).remaining == 3


def test_a_slot_can_be_given_back() -> None:
    """As after a sign-in that was right; a refusal has none."""
    with isolated_cache(FakeClock(START)):
        limiter = RateLimiter()
        decision = limiter.check("a", 1, 60)
        assert limiter.check("a", 1, 60).slot is None
        assert decision.slot is not None
        decision.slot.give_back()
        assert limiter.check("a", 1, 60).allowed


def test_no_two_identities_share_a_log() -> None:
    """However their parts are cut, and in whatever limit they are; what they are is not in the key."""
    lists: list[list[str]] = [["ab"], ["a", "b"], ["", "ab"], ["1:a", "b"], ["a", "1:b"], ["203.0.113.7"], []]
    found = [keys.limit_key(kind, 60, parts) for kind in ("auth", "chat") for parts in lists]
    assert len(set(found)) == len(found)
    assert not [key for key in found if "203" in key.partition("limit:")[2].partition("!")[0]]
    assert all(key.split("!")[0] in {"cp:limit:auth:60:", "cp:limit:chat:60:"} for key in found)


@pytest.mark.parametrize("kind", ["", "A", "a b", "a:b", "a" * 31])
def test_a_kind_is_a_word(kind: str) -> None:
    """It is the readable part of a key."""
    with pytest.raises(ParameterError):
        RateLimiter(kind)


def test_without_the_store_the_limit_is_shared_out(settings: Any) -> None:
    """So that all web processes together admit no more than it says, and at least one each."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "WEB_PROCESSES": 4}
    with failing_store("take"):
        limiter = RateLimiter()
        decisions = [limiter.check("a", 8, 60) for _ in range(3)]
        assert [(each.allowed, each.limit, each.enforced) for each in decisions] == [
            (True, 2, False),
            (True, 2, False),
            (False, 2, False),
        ]
        assert decisions[-1].retry_after > 0
        assert limiter.check("b", 3, 60).allowed
        assert not limiter.check("b", 3, 60).allowed


def test_without_the_store_a_limit_may_admit_everything() -> None:
    """Where being reached matters more."""
    with failing_store("take"):
        limiter = RateLimiter(without_store="allow")
        assert {limiter.check("a", 1, 60).allowed for _ in range(5)} == {True}
        assert not limiter.check("a", 1, 60).enforced


def test_giving_back_while_the_store_is_away_raises_nothing() -> None:
    """The slot of a process's own memory is free again."""
    with failing_store("take", "give_back"):
        limiter = RateLimiter()
        decision = limiter.check("a", 1, 60)
        assert decision.slot is not None
        decision.slot.give_back()
        assert limiter.check("a", 1, 60).allowed


def test_without_the_store_memory_forgets_those_whose_window_has_passed() -> None:
    """An outage in which many addresses ask, and nothing else is read, does not fill the process."""
    clock = FakeClock(START)
    with isolated_cache(clock) as memory:
        for number in range(50):
            RateLimiter().check(f"203.0.113.{number}", 1, 60)
        clock.advance(59)
        assert not RateLimiter().check("203.0.113.0", 1, 60).allowed
        clock.advance(20)
        assert RateLimiter().check("203.0.113.0", 1, 60).allowed
        assert len(memory._logs) == 1


def test_two_windows_on_one_identity_are_two_limits() -> None:
    """Both hold, together and each by itself: two in a second, four in a minute."""
    clock = FakeClock(START)
    with isolated_cache(clock):
        limiter, both = RateLimiter(), [("a", Limit(2, 1)), ("a", Limit(4, 60))]
        decisions = [limiter.check_all(both) for _ in range(3)]
        assert [(each.allowed, each.limit, each.retry_after) for each in decisions] == [
            (True, 2, 0),
            (True, 2, 0),
            (False, 2, 1),
        ]
        assert outcome(limiter.check("a", 4, 60)) == (True, 1, 0)
        clock.advance(1)
        assert limiter.check_all(both).allowed
        refused = limiter.check_all(both)
        assert (refused.allowed, refused.limit, refused.retry_after) == (False, 4, 59)
        assert outcome(limiter.check("a", 2, 1)) == (True, 0, 0)


@pytest.mark.parametrize("who", [(), [], 7, None, ("user", 7), [7], b"user"])
def test_who_is_limited_is_a_text_or_several(who: Any) -> None:
    """A number would be limited as whoever has it as an address, a name or a key."""
    with isolated_cache(FakeClock(START)), pytest.raises(ParameterError, match="is a text, or several"):
        RateLimiter().check(who, 1, 60)


@pytest.mark.parametrize("without_store", ["", "deny", "Local", None])
def test_what_a_limit_does_without_its_store_is_one_of_two_words(without_store: Any) -> None:
    """A misspelt one is told at once, not in an outage."""
    with pytest.raises(ParameterError, match="local or allow"):
        RateLimiter(without_store=without_store)


def test_without_the_store_load_budgets_are_shared_out_too(settings: Any, declare: Any) -> None:
    """All web processes together load no more often than the budget says, and each at least once."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "WEB_PROCESSES": 4}
    budgets = (Budget(limit=8, window=60, per="policy"),)
    policy = declare(name="test.budget", params={"id": int}, budgets=budgets)
    with failing_store("take"):
        for number in range(2):
            read(policy, {"id": number}, lambda id: {"id": id})
        with pytest.raises(BudgetExceeded):
            read(policy, {"id": 3}, lambda id: {"id": id})
