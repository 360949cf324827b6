"""For how long a lock is held, by a clock that moves when told."""

from __future__ import annotations

import os

import pytest

from cache_platform.lock_terms import Term

TIMEOUT = 10.0


class Moment:
    """A term, its clock, and how often its end was told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told = 0
        self.term = Term(TIMEOUT, on_lost=self._tell, clock=lambda: self.now)
        self.term.begin(self.now)

    def _tell(self) -> None:
        self.told += 1


@pytest.fixture
def moment() -> Moment:
    """A lock that was granted just now."""
    return Moment()


def test_it_is_held_for_its_timeout_from_the_request(moment: Moment) -> None:
    """Not from the answer; and it is told once."""
    moment.now += TIMEOUT - 0.001
    assert not moment.term.lost
    moment.now += 0.001
    assert moment.term.lost
    assert moment.term.lost
    assert moment.told == 1


def test_a_confirmation_counts_from_its_request(moment: Moment) -> None:
    """However long the answer took."""
    sent = moment.now + 3
    moment.now += 9
    moment.term.confirm(sent)
    moment.now = sent + TIMEOUT - 0.001
    assert not moment.term.lost
    moment.now = sent + TIMEOUT
    assert moment.term.lost


def test_an_answer_after_the_timeout_does_not_bring_it_back(moment: Moment) -> None:
    """Somebody else may have had it meanwhile, and nobody has to have looked."""
    sent = moment.now + 9
    moment.now += 11
    moment.term.confirm(sent)
    moment.now = sent
    assert moment.term.lost
    assert moment.told == 1


def test_lost_stays_lost(moment: Moment) -> None:
    """Also when it is confirmed afterwards."""
    moment.term.lose()
    moment.term.confirm(moment.now)
    moment.term.lose()
    assert moment.term.lost
    assert not moment.term.end()
    assert not moment.term.confirmed_since(0)
    assert moment.told == 1


def test_what_ended_in_order_was_not_lost(moment: Moment) -> None:
    """However late one looks."""
    assert moment.term.end()
    moment.now += 2 * TIMEOUT
    moment.term.lose()
    assert (moment.term.lost, moment.term.over, moment.told) == (False, True, 0)
    assert not moment.term.end()


def test_an_end_after_the_timeout_is_a_loss(moment: Moment) -> None:
    """Nobody can say who had it since."""
    moment.now += TIMEOUT
    assert not moment.term.end()
    assert moment.told == 1


def test_confirmed_since(moment: Moment) -> None:
    """By a request that was sent then or later; an older one says nothing."""
    began = moment.now
    moment.now += 2
    moment.term.confirm(moment.now)
    moment.term.confirm(began)  # an answer that was overtaken
    assert moment.term.confirmed_since(moment.now)
    assert not moment.term.confirmed_since(moment.now + 0.001)


def test_a_forked_child_never_had_it(moment: Moment, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its parent's loss is not its to tell."""
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    assert moment.term.foreign
    assert moment.term.lost
    assert moment.told == 0
