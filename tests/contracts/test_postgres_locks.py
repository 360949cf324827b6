"""Locks in PostgreSQL: the connections that they take, and servers that hang or are not what they seem."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from cache_platform import database_locks
from cache_platform.database_locks import PostgresLocks
from cache_platform.exceptions import StoreUnavailable
from cache_platform.lock_grips import HELD
from tests.services.waiting import wait_until

NAME = "thing:42"


@pytest.fixture
def store(postgres_alias: str) -> Iterator[PostgresLocks]:
    """Without any session before and after."""
    made = PostgresLocks(postgres_alias)
    yield made
    for owner in list(made._sessions):
        made.release(NAME, owner)


def change_connecting(store: PostgresLocks, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any]) -> None:
    """Have `change` happen to each session that was just opened."""
    real = store._connect
    monkeypatch.setattr(store, "_connect", lambda timeout: change(real(timeout)))


def test_who_waits_has_no_connection(store: PostgresLocks) -> None:
    """Between two attempts; only the holder has one."""
    assert store.acquire(NAME, "a", 60) == HELD
    assert store.acquire(NAME, "b", 60, queue=True) != HELD
    assert list(store._sessions) == ["a"]


def test_a_process_has_so_many_connections_and_no_more(store: PostgresLocks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds no place is told so, and gets the next that is free."""
    monkeypatch.setattr(database_locks, "_places", threading.Semaphore(2))
    monkeypatch.setattr(database_locks, "PLACE_PATIENCE", 0.01)
    assert store.acquire("one", "a", 60) == HELD
    assert store.acquire("one", "x", 60) != HELD  # gives its place back
    assert store.acquire("two", "b", 60) == HELD
    with pytest.raises(StoreUnavailable, match="already"):
        store.acquire("three", "c", 60)
    assert store.release("one", "a")
    assert store.acquire("three", "c", 60) == HELD


def test_a_place_is_given_back_when_nobody_answers(monkeypatch: pytest.MonkeyPatch, store: PostgresLocks) -> None:
    """Or an outage of the database would use them up."""
    monkeypatch.setattr(database_locks, "_places", threading.Semaphore(1))

    def refuse(_timeout: float) -> Any:
        raise store._failure("on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_connect", refuse)
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="on purpose"):
                store.acquire(NAME, "a", 60)
    assert store.acquire(NAME, "a", 60) == HELD


def test_a_child_has_places_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parent's sessions are none of its."""
    monkeypatch.setattr(database_locks, "_places", threading.Semaphore(0))
    child = os.fork()
    if child == 0:
        os._exit(0 if database_locks._places.acquire(blocking=False) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_server_that_hangs_keeps_an_attempt_for_seconds(
    store: PostgresLocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has answered once, and then no more; the driver would wait for ever."""
    monkeypatch.setattr(database_locks, "ANSWER_TIMEOUT", 0.1)
    stopped: list[int] = []

    def stop(session: Any) -> Any:
        os.kill(session.process, signal.SIGSTOP)
        stopped.append(session.process)
        return session

    try:
        with monkeypatch.context() as patch:
            change_connecting(store, patch, stop)
            with pytest.raises(StoreUnavailable):
                store.acquire(NAME, "a", 60)
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    assert not store._sessions
    wait_until(lambda: store.acquire(NAME, "b", 60) == HELD, what="the server has ended the session")


def test_a_pooler_is_refused(store: PostgresLocks, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has another process of the server answer each time, so a lock would be anybody's."""
    with monkeypatch.context() as patch:
        change_connecting(store, patch, lambda session: replace(session, process=session.process + 1))
        with pytest.raises(StoreUnavailable, match="pooler"):
            store.acquire(NAME, "a", 60)
    assert not store._sessions
    assert store.acquire(NAME, "a", 60) == HELD
    store._sessions["a"] = replace(store._sessions["a"], process=0)
    assert not store.renew(NAME, "a", 60)
