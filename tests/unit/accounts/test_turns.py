"""Turns at checking a password."""

from __future__ import annotations

import threading

from accounts.turns import Turns


def test_few_at_a_time_and_the_others_after_them() -> None:
    """Nobody is refused who finds a place to wait."""
    turns, inside, go = Turns(at_once=2, most=5), threading.Semaphore(0), threading.Event()
    at_once: list[int] = []
    served: list[bool] = []

    def check() -> None:
        with turns.turn() as mine:
            at_once.append(1)
            inside.release()
            assert go.wait(10)
            served.append(mine)
            at_once.pop()
            assert len(at_once) < 2

    threads = [threading.Thread(target=check) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert inside.acquire(timeout=10)
    assert inside.acquire(timeout=10)
    assert not inside.acquire(timeout=0.05), "a third is checked beside two"
    go.set()
    for thread in threads:
        thread.join(10)
    assert served == [True] * 5


def test_one_too_many_is_told_at_once() -> None:
    """And comes in when there is a place again; also after one that failed."""
    turns = Turns(at_once=1, most=1)
    with turns.turn() as first:
        assert first
        with turns.turn() as second:
            assert not second
    try:
        with turns.turn():
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    with turns.turn() as third:
        assert third
