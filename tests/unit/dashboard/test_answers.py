"""Reads of cards: how many run at once, and what becomes of the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from cache_platform.reads import Read
from dashboard.answers import MOST_READS, Answer, Failure, Outcome, Trouble, ask, outcome_of

PATIENCE = 60
BUSY = Failure(trouble=Trouble.BUSY)


def read() -> Read[str]:
    return Read(value="there", policy="test.thing", source="hit")


def readers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("dashboard")}


def result(future: Future[Outcome[str]]) -> Outcome[str]:
    return outcome_of(future, until=time.monotonic() + PATIENCE)


@contextmanager
def hanging_reads(count: int) -> Iterator[None]:
    """Within this block so many reads are under way, and nobody waits for them."""
    answered = threading.Event()
    hung = [ask(lambda: answered.wait(PATIENCE) and read()) for _ in range(count)]
    try:
        yield
    finally:
        answered.set()
        assert all(isinstance(result(future), Answer) for future in hung)


def test_reads_beyond_the_bound_are_refused_at_once() -> None:
    """However many visitors ask and leave, there is a thread for each read under way and no more."""
    with hanging_reads(MOST_READS):
        before = readers()
        assert [result(ask(read)) for _ in range(500)] == [BUSY] * 500
        assert readers() <= before


def test_a_read_that_ends_makes_room() -> None:
    """Also one that fails."""

    def failing() -> Read[str]:
        raise RuntimeError("a mistake of ours")

    with hanging_reads(MOST_READS - 1):
        for _ in range(3):
            assert result(ask(failing)) == Failure(trouble=Trouble.FAULT)
            assert isinstance(result(ask(read)), Answer)


def test_where_there_are_no_more_threads_a_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place is free again at once."""

    def submit(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(ThreadPoolExecutor, "submit", submit)
        assert [result(ask(read)) for _ in range(MOST_READS + 1)] == [BUSY] * (MOST_READS + 1)
    assert isinstance(result(ask(read)), Answer)


@pytest.mark.parametrize("fails", [False, True])
def test_the_thread_of_a_read_closes_its_connections(monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    """The read may ask the database, and nothing else ends what it opened in this thread."""
    order: list[tuple[str, int]] = []

    class Connections:
        def close_all(self) -> None:
            order.append(("closed", threading.get_ident()))

    def asking() -> Read[str]:
        order.append(("read", threading.get_ident()))
        if fails:
            raise RuntimeError("the database is away")
        return read()

    monkeypatch.setattr("dashboard.answers.connections", Connections())
    result(ask(asking))
    assert [what for what, _ in order] == ["read", "closed"]
    assert len({thread for _, thread in order} - {threading.get_ident()}) == 1
