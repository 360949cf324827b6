"""When a process may take the store's word: while it was answered without a gap, or after the outbox was drained.

An entry in Redis may be older than a write that could not tell Redis so. Such a write waits, for its drain or for
`transactions.WAIT` seconds. A process that asks Redis more often than that either gets an answer, and then the drain
was possible as well, or notices that Redis is away, and then drains the outbox itself before it reads from Redis again.
Both rest on asking: so every process has a heartbeat, and one with a gap between two answers (it was just started, or
stopped, or the machine slept) drains first.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from weakref import WeakKeyDictionary

from django.db import connections

from cache_platform.breaker import Breaker
from cache_platform.exceptions import StoreUnavailable

logger = logging.getLogger(__name__)

HEARTBEAT = 0.25
"""Seconds of silence after which a process asks the store for a sign of life."""
DRAIN_PATIENCE = 5.0
"""Seconds after which a reader does without the store whose outbox is still being drained."""
ATTEMPTS = 3

_drains: list[Callable[[], object]] = []
_kept: WeakKeyDictionary[Breaker, Trust] = WeakKeyDictionary()


def drain_first(drain: Callable[[], object]) -> None:
    """Have `drain` run before a process of this site trusts a store; it raises StoreUnavailable when it cannot."""
    if drain not in _drains:
        _drains.append(drain)


def run_drains() -> None:
    """Run them, in a thread with database connections of its own: the caller's may be in a transaction whose snapshot
    hides what others committed. Raises StoreUnavailable."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            for drain in _drains:
                drain()
        except BaseException as error:  # noqa: BLE001  # handed to the one who waits
            done.set_exception(error)
        else:
            done.set_result(None)
        finally:
            connections.close_all()

    threading.Thread(target=run, name="cache-drain", daemon=True).start()
    try:
        done.result(DRAIN_PATIENCE)
    except TimeoutError as error:
        raise StoreUnavailable("the outbox is not drained yet") from error


def _after_fork() -> None:
    """A forked child has no heartbeat, and a lock that another thread held would stay locked."""
    _kept.clear()


os.register_at_fork(after_in_child=_after_fork)


def trust_in(breaker: Breaker, ping: Callable[[], None]) -> Trust:
    """This process's trust in the store behind `breaker`, which `ping` asks for a sign of life."""
    found = _kept.get(breaker)
    return found if found is not None else _kept.setdefault(breaker, Trust(breaker, ping))


class Trust:
    """One process's trust in one store."""

    def __init__(self, breaker: Breaker, ping: Callable[[], None]) -> None:
        self._breaker = breaker
        self._ping = ping
        self._lock = threading.Lock()
        self._heart: threading.Thread | None = None
        breaker.drain_before_closing(run_drains)

    def require(self) -> None:
        """Return when the store may be believed. Raises StoreUnavailable."""
        for _ in range(ATTEMPTS):
            if self._breaker.answers_without_gap:
                return
            with self._lock:  # one drains for all
                if not self._breaker.answers_without_gap:
                    self._breaker.call(self._regain)
                    self._beat()
        raise StoreUnavailable("draining the outbox takes too long")

    def _regain(self) -> None:
        self._ping()
        answered = self._breaker.now()  # before the drain: what it does not see was written after this
        run_drains()
        self._breaker.begin_anew(answered)

    def _beat(self) -> None:
        if self._heart is not None and self._heart.is_alive():
            return
        self._heart = threading.Thread(target=self._ask_until_reset, name="cache-heartbeat", daemon=True)
        try:
            self._heart.start()
        except RuntimeError:  # no more threads: each silence then costs a drain
            self._heart = None

    def _ask_until_reset(self) -> None:
        stop, pause = self._breaker.stop, HEARTBEAT
        while not stop.wait(pause):
            silence = self._breaker.now() - self._breaker.answered_at
            pause = HEARTBEAT
            if self._breaker.is_open:
                continue
            if silence < HEARTBEAT / 2:
                pause = HEARTBEAT - silence
                continue
            try:
                self._breaker.call(self._ping)
            except StoreUnavailable:
                logger.info("the heartbeat found the store away")
