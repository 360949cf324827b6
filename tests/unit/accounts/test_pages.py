"""What the account's pages say of browsers, times, sources and subscriptions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.pages.browsers import Browser, browser_of
from accounts.pages.subscription import subscription_card
from accounts.pages.wording import ago, moment, source
from accounts.schema import SubscriptionState
from cache_platform import Read

NOW = datetime(2026, 3, 14, 15, 9, tzinfo=UTC)
CHROME = "(KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "name", "handheld"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox on Linux", False),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {CHROME}", "Chrome on Windows", False),
        (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 {CHROME} Edg/131.0.0.0",
            "Edge on Windows",
            False,
        ),
        (
            f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 {CHROME} OPR/115.0",
            "Opera on macOS",
            False,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1",
            "Safari on iPhone",
            True,
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; SM-S911B) SamsungBrowser/26.0 Chrome/122",
            "Samsung Internet on Android",
            True,
        ),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X) CriOS/131.0 Mobile Safari/604.1", "Chrome on iPad", True),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 {CHROME}", "Chrome on ChromeOS", False),
        ("curl/8.5.0", "curl", False),
        ("python-httpx/0.28", "A Python program", False),
        ("", "Unknown browser", False),
        ("<script>alert(1)</script>", "Unknown browser", False),
    ],
)
def test_browsers_are_called_by_their_names(user_agent: str, name: str, handheld: bool) -> None:
    """Also those that call themselves by several; what nobody knows is not repeated."""
    assert browser_of(user_agent) == Browser(name, handheld)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "7 Mar 2026"),
    ],
)
def test_times_are_said_as_people_say_them(before: timedelta, words: str) -> None:
    """The day itself where counting days would not help any more."""
    assert ago(NOW - before, NOW) == words


def test_a_moment_is_exact_too() -> None:
    """For machines, and for those who point at it."""
    found = moment(NOW, "some time")
    assert (found.words, found.machine) == ("some time", "2026-03-14T15:09:00+00:00")
    assert found.exact == "14 Mar 2026, 15:09 UTC"


@pytest.mark.parametrize(
    ("kind", "age", "words"),
    [
        ("hit", 12.9, "From cache, 12 s old"),
        ("hit", 0.01, "From cache, 1 s old"),
        ("stale", 185, "From cache, 3 min old"),
        ("load", 0.2, "From the database, just now"),
        ("wait", 0.2, "From the database, just now"),
        ("bypass", 0, "From the database, just now"),
    ],
)
def test_a_card_says_where_it_came_from(kind: str, age: float, words: str) -> None:
    """As the API does with `cached`."""
    assert source(Read(value=1, policy="p", source=kind, age=age)) == words


def state(**changes: object) -> SubscriptionState:
    """A subscription."""
    given = {"plan": "pro", "status": "active", "period_end": NOW + timedelta(days=9), "limits": {}, "usage": {}}
    return SubscriptionState(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "status", "until"),
    [
        ({}, "Active", "Renews on"),
        ({"status": "trialing"}, "Trial", "Renews on"),
        ({"status": "past_due"}, "Payment due", "Renews on"),
        ({"status": "cancelled"}, "Cancelled", "Ends on"),
        ({"status": "cancelled", "period_end": NOW}, "Cancelled", "Ended on"),
        ({"plan": "free", "period_end": None}, "Active", "Without an end."),
    ],
)
def test_a_subscription_says_how_it_is_and_until_when(changes: dict[str, object], status: str, until: str) -> None:
    """In words that fit its status."""
    card = subscription_card(state(**changes), NOW)
    assert (card.status, card.until) == (status, until)


@pytest.mark.parametrize(
    ("changes", "cancel", "resume"),
    [
        ({}, True, False),
        ({"status": "past_due"}, True, False),
        ({"status": "cancelled"}, False, True),
        ({"plan": "free", "period_end": None}, False, False),
    ],
)
def test_a_subscription_offers_what_can_be_done(changes: dict[str, object], cancel: bool, resume: bool) -> None:
    """There is nothing to cancel in the free plan."""
    card = subscription_card(state(**changes), NOW)
    assert (card.can_cancel, card.can_resume) == (cancel, resume)


@pytest.mark.parametrize(
    ("used", "most", "words", "level"),
    [
        (0, 100, "0 of 100", ""),
        (79, 100, "79 of 100", ""),
        (80, 100, "80 of 100", "near"),
        (1999, 2000, "1,999 of 2,000", "near"),
        (2000, 2000, "2,000 of 2,000", "full"),
        (2001, 2000, "2,001 of 2,000", "full"),
        (0, 0, "0 of 0", "full"),
        (12, None, "12", ""),
    ],
)
def test_usage_warns_before_the_limit(used: int, most: int | None, words: str, level: str) -> None:
    """From four fifths on; what has no limit has no bar."""
    limits = {} if most is None else {"chat_messages": most}
    (meter,) = subscription_card(state(limits=limits, usage={"chat_messages": used}), NOW).meters
    assert (meter.label, meter.words, meter.level, meter.most) == ("Chat messages", words, level, most)
