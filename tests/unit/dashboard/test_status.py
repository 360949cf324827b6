"""What a card says about itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cache_platform.reads import Read, Source
from dashboard.answers import Answer, Failure, Trouble
from dashboard.status import status_of

NOW = datetime(2025, 9, 8, 12, 0, tzinfo=UTC)


def answer(source: Source, *, age: float = 0, ttl: float = 600, detail: str = "") -> Answer[Any]:
    read = Read(value="x", policy="test.thing", source=source, age=age, ttl=ttl, detail=detail)
    return Answer(value="x", read=read)


@pytest.mark.parametrize(
    ("source", "state", "label"),
    [
        ("load", "fresh", "Fresh from Acme"),
        ("wait", "fresh", "Fresh from Acme"),
        ("bypass", "fresh", "Fresh from Acme"),
        ("hit", "cached", "From cache, renewed in 10 min"),
        ("local", "cached", "From cache, renewed in 10 min"),
        ("stale", "stale", "Last good answer"),
    ],
)
def test_every_way_of_reading_has_a_state(source: Source, state: str, label: str) -> None:
    """Those who load or wait for a load are fresh, the rest is cached or stale."""
    status = status_of([answer(source)], "Acme", NOW)
    assert (status.state, status.label) == (state, label)


def test_a_card_is_as_good_as_its_worst_part() -> None:
    """And as old as its oldest."""
    status = status_of([answer("load"), answer("stale", age=60, ttl=-5), answer("hit", age=7300)], "Acme", NOW)
    assert (status.state, status.age) == ("stale", "2 h ago")
    assert status.updated == "2025-09-08T09:58:20+00:00"


@pytest.mark.parametrize(
    ("detail", "note", "soon"),
    [
        ("provider-error", "Acme does not respond. This is its last good answer.", False),
        ("provider-slow", "Acme is slow to answer. This is its last good answer.", True),
        ("budget", "Acme has been asked often enough for now. This is the last answer from it.", False),
        ("revalidating", "", True),
    ],
)
def test_a_stale_answer_says_why(detail: str, note: str, soon: bool) -> None:
    """Only where a newer answer is about to come, nothing needs to be said: the card asks again."""
    status = status_of([answer("stale", detail=detail)], "Acme", NOW)
    assert (status.note, status.soon) == (note, soon)


@pytest.mark.parametrize("trouble", list(Trouble))
def test_every_trouble_has_its_words(trouble: Trouble) -> None:
    """No card is left without an explanation."""
    status = status_of([Failure(trouble=trouble)], "Acme", NOW)
    assert status.state == ("late" if trouble is Trouble.LATE else "error")
    assert status.note.endswith(".")


def test_a_part_that_is_late_makes_the_card_ask_again() -> None:
    """The other part is shown meanwhile; one that failed is left to the next refresh."""
    assert status_of([answer("hit"), Failure(trouble=Trouble.LATE)], "Acme", NOW).soon
    assert not status_of([answer("hit"), Failure(trouble=Trouble.SOURCE)], "Acme", NOW).soon


@pytest.mark.parametrize(
    ("wait", "words"), [(None, "in a moment"), (0.4, "in a moment"), (30, "in 30 s"), (90, "in 1 min")]
)
def test_the_time_to_wait_is_told_where_it_matters(wait: float | None, words: str) -> None:
    """A second is no information."""
    failure = Failure(trouble=Trouble.SOURCE, retry_after=wait)
    assert f"Try again {words}." in status_of([failure], "Acme", NOW).note
