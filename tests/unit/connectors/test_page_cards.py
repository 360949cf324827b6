"""What a platform's card shows, and what can be done on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from connectors.definitions import Provider
from connectors.pages.cards import PlatformCard, platform_card, progress_of
from connectors.pages.wording import STATES
from connectors.providers import get_provider
from connectors.schema import JobView, PlatformState

NOW = datetime(2025, 9, 8, 12, 0, tzinfo=UTC)
TUNEBOX = get_provider("tunebox")


def state(status: str = "connected", **fields: Any) -> PlatformState:
    """A platform of that state."""
    given = {
        "provider": "tunebox",
        "name": "Tunebox",
        "status": status,
        "connected": status in {"connected", "expiring"},
        "problem": "",
        "account": "Ada L.",
        "scopes": ("user-read-recently-played",),
        "renewable": True,
        "expires_at": NOW + timedelta(hours=1),
        "connected_at": NOW - timedelta(days=3),
        "last_sync_at": None,
        "last_sync_status": "",
        "connection_id": 1,
    }
    return PlatformState(**{**given, **fields})


def job(where: str = "running", **fields: Any) -> JobView:
    """A job in that state."""
    given = {
        "job_id": UUID(int=7),
        "user_id": 1,
        "provider": "tunebox",
        "state": where,
        "progress": 0.5,
        "items_done": 1200,
        "items_total": 2400,
        "problem": "",
        "created_at": NOW,
        "started_at": NOW,
        "finished_at": None,
        "waits_until": None,
    }
    return JobView(**{**given, **fields})


def card(
    shown: PlatformState, last: JobView | None = None, *, provider: Provider | None = TUNEBOX, items: int = 0
) -> PlatformCard:
    """The card at NOW."""
    return platform_card(shown, provider, last, items=items, now=NOW)


def forms(found: PlatformCard) -> set[str]:
    """What can be done."""
    names = ("connect", "reconnect", "disconnect", "extract")
    return {name for name in names if getattr(found, f"can_{name}")}


@pytest.mark.parametrize(
    ("status", "label", "can"),
    [
        ("connected", "Connected", {"reconnect", "disconnect", "extract"}),
        ("expiring", "Expiring", {"reconnect", "disconnect", "extract"}),
        ("needs_reauth", "Sign-in needed", {"reconnect", "disconnect"}),
        ("error", "Error", {"reconnect", "disconnect"}),
        ("disconnected", "Not connected", {"connect"}),
    ],
)
def test_each_state_has_its_words_and_its_forms(status: str, label: str, can: set[str]) -> None:
    """What does not work cannot be extracted from, and what is not connected cannot be ended."""
    found = card(state(status))
    assert (found.label, forms(found)) == (label, can)
    assert len({words for words, _ in STATES.values()}) == 5


def test_a_platform_that_is_not_offered_any_more_can_only_be_left() -> None:
    """Its connection is still there, and so is the way to end it."""
    found = card(state(), provider=None)
    assert forms(found) == {"disconnect"}
    assert forms(card(state("disconnected"), provider=None)) == set()


def test_reconnecting_comes_first_where_nothing_works_without_it() -> None:
    """Not where the access is renewed by itself."""
    assert card(state("needs_reauth")).urgent
    assert card(state("expiring", renewable=False)).urgent
    assert not card(state("expiring")).urgent
    assert not card(state()).urgent
    assert not card(state("disconnected")).urgent


@pytest.mark.parametrize(
    ("shown", "note"),
    [
        (state(), ""),
        (state("expiring"), "The access is being renewed; there is nothing to do."),
        (
            state("expiring", renewable=False, expires_at=NOW + timedelta(minutes=5)),
            "The access ends in 5 min. Reconnect to keep it.",
        ),
        (
            state("needs_reauth", problem="refused"),
            "Tunebox does not accept the access any more. Reconnect to go on.",
        ),
        (state("needs_reauth", problem="expired"), "The access to Tunebox has ended. Reconnect to go on."),
        (state("error", problem="new-word"), "The connection with Tunebox does not work. Reconnect to go on."),
    ],
)
def test_a_card_says_what_is_wrong_and_what_to_do(shown: PlatformState, note: str) -> None:
    """In a sentence; also for a problem that has no words yet."""
    assert card(shown).note == note


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (job("queued", items_done=0, items_total=None, progress=0), "About to begin"),
        (job(items_done=0, items_total=None, progress=0), "About to begin"),
        (job(), "1,200 of 2,400 items"),
        (job(items_total=None), "1,200 items so far"),
        (
            job("queued", waits_until=NOW + timedelta(seconds=30)),
            "Waiting for the platform; goes on in 30 s",
        ),
        (job("queued", waits_until=NOW - timedelta(seconds=1)), "1,200 of 2,400 items"),
    ],
)
def test_a_job_says_how_far_it_is_or_what_it_waits_for(last: JobView, words: str) -> None:
    """In words beside the bar."""
    progress = progress_of(last, NOW)
    assert progress is not None
    assert progress.words == words


@pytest.mark.parametrize("last", [None, job("completed"), job("failed")])
def test_a_job_that_ended_has_no_bar(last: JobView | None) -> None:
    """So the card asks for nothing more, and another one can be begun."""
    assert progress_of(last, NOW) is None
    assert card(state(), last).can_extract


def test_while_a_job_runs_no_other_is_offered() -> None:
    """The bar stands there instead."""
    found = card(state(), job())
    assert found.progress is not None
    assert (found.progress.id, found.progress.percent) == (str(UUID(int=7)), 50)
    assert not found.can_extract


def test_the_last_sync_says_how_it_went() -> None:
    """Where the job is known: how many items, that they are gone since, or why it failed."""
    ended = {"last_sync_at": NOW - timedelta(minutes=2)}
    good = card(state(last_sync_status="completed", **ended), job("completed", items_done=1), items=1)
    gone = card(state(last_sync_status="completed", **ended), job("completed", items_done=1))
    bad = card(state(last_sync_status="failed", **ended), job("failed", problem="unavailable"))
    other = card(state(last_sync_status="completed", **ended), job("failed", problem="disconnected"))
    never = card(state())
    assert good.sync is not None
    assert (good.sync.words, good.sync.when.words) == ("1 item", "2 min ago")
    assert gone.sync is not None
    assert gone.sync.words == "Deleted since, by disconnecting"
    assert bad.sync is not None
    assert (bad.sync.status, bad.sync.words) == ("failed", "Tunebox did not answer")
    assert other.sync is not None
    assert other.sync.words == ""
    assert never.sync is None


def test_a_platform_that_is_not_connected_shows_nothing_of_the_past() -> None:
    """Neither account nor job or sync; its scopes are those that would be asked for."""
    found = card(state("disconnected", scopes=("old",), last_sync_at=NOW, last_sync_status="completed"), job())
    assert (found.account, found.since, found.sync, found.progress) == ("", None, None, None)
    assert found.scopes == TUNEBOX.scopes


def test_a_platform_that_cannot_take_access_back_is_known() -> None:
    """So the page can say so before somebody disconnects."""
    assert not card(state()).revocable
    assert card(state(provider="chirper"), provider=get_provider("chirper")).revocable
