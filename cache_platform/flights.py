"""What the threads of one process share: a load that others wait for, and the next load under a hold."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cache_platform.exceptions import LoadRefused, SourceBackoff, SourceError

T = TypeVar("T")


class Flight(Generic[T]):
    """A result that one thread will bring and others wait for."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = None

    def land(self, result: T | None) -> None:
        """Bring the result; None tells the others to help themselves."""
        self.result = result
        self._done.set()

    def fail(self, error: BaseException) -> None:
        """Bring an error instead."""
        self.error = error
        self._done.set()

    def wait(self, seconds: float) -> T | None:
        """The result; None when there is none in time. Raises a SourceError of its own when the load failed."""
        if not self._done.wait(seconds):
            return None
        if self.error is not None:
            raise shared_failure(self.error)
        return self.result


def shared_failure(error: BaseException) -> Exception:
    """The error for those who waited: each thread raises one of its own, as a traceback belongs to one thread."""
    if isinstance(error, SourceError):
        failure: Exception = SourceBackoff(error.source, error.detail, retry_after=error.retry_after)
    elif isinstance(error, LoadRefused):
        failure = type(error)(error.detail, retry_after=error.retry_after)
    else:
        failure = SourceBackoff("loader", f"the load that this read shared failed ({type(error).__name__})")
    failure.__cause__ = error
    return failure


class Flights(Generic[T]):
    """The flights under way in this process, by key."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all; the threads that would land them are gone after a fork."""
        self._lock = threading.Lock()
        self._flights: dict[str, Flight[T]] = {}

    def begin(self, key: str) -> Flight[T]:
        """A flight of one's own, which others join from now on."""
        flight: Flight[T] = Flight()
        with self._lock:
            self._flights[key] = flight
        return flight

    def join(self, key: str) -> tuple[Flight[T], bool]:
        """The flight under way, or a new one; true when it is new and the caller has to land it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight()
            return flight, True

    def end(self, key: str, flight: Flight[T]) -> None:
        """Let nobody join `flight` any more."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]


@dataclass(slots=True)
class _Lane(Generic[T]):
    running: Flight[T]
    waiting: Flight[T] | None = None


class NextLoads(Generic[T]):
    """Loads whose value may be shared only with those who came before they began.

    While a tag is held, or the store is away, nobody can say whether a running load began before or after a write.
    So one load per key runs, and those who arrive during it share the next one.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all, after a fork."""
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane[T]] = {}

    def run(self, key: str, load: Callable[[], T], *, patience: float) -> tuple[T, bool]:
        """The value of a load that began after this call, and whether it was shared. Raises the load's error.

        After `patience` seconds of waiting for another, the caller loads by itself.
        """
        flight, before = self._enter(key)
        if flight is None:
            assert before is not None
            shared = before.wait(patience)
            return (shared, True) if shared is not None else (load(), False)
        try:
            if before is not None:
                before._done.wait(patience)
                self._take_over(key, flight)
            value = load()
        except BaseException as error:
            self._leave(key, flight)
            if isinstance(error, LoadRefused):
                flight.land(None)  # this caller's budget is not the others' affair
            else:
                flight.fail(error)
            raise
        self._leave(key, flight)
        flight.land(value)
        return value, False

    def _enter(self, key: str) -> tuple[Flight[T] | None, Flight[T] | None]:
        """(my flight, the one to wait out first) for one who loads; (None, the flight to share) for others."""
        with self._lock:
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = _Lane(Flight())
                return lane.running, None
            if lane.waiting is None:
                lane.waiting = Flight()
                return lane.waiting, lane.running
            return None, lane.waiting

    def _take_over(self, key: str, flight: Flight[T]) -> None:
        with self._lock:
            self._lanes[key] = _Lane(flight)

    def _leave(self, key: str, flight: Flight[T]) -> None:
        with self._lock:
            lane = self._lanes.get(key)
            if lane is None:
                return
            if lane.waiting is flight:
                lane.waiting = None  # it was stopped before its turn came
            elif lane.running is flight and lane.waiting is None:
                del self._lanes[key]


def reset_after_fork(*things: Flights[T] | NextLoads[T]) -> None:
    """Have each thing start anew in forked children."""
    for thing in things:
        os.register_at_fork(after_in_child=thing.reset)
