"""One run of `cache_warm`: wishes filled by several threads, not faster than allowed, each with what became of it."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connections

from cache_platform import keys
from cache_platform.commands.pace import Pace
from cache_platform.exceptions import CachePlatformError, ParameterError, StoreUnavailable
from cache_platform.warming import Outcome, Wish, is_fresh, reason, warm

ItemOutcome = Literal[Outcome, "missing"]
"""What became of a wish; `missing` in a dry run, of what would be loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What became of one wish. `params` stand as in its key, secret ones as HMACs; `why` is of one that is left or
    failed."""

    policy: str
    params: str
    outcome: ItemOutcome
    milliseconds: float
    why: str = ""


class WarmRun:
    """Call `run` once. `note` is called with each item as it is done, by one thread at a time."""

    def __init__(
        self, wishes: Sequence[Wish[Any]], note: Callable[[Item], None], *, concurrency: int, rate: float, dry: bool
    ) -> None:
        self._wishes: queue.SimpleQueue[Wish[Any]] = queue.SimpleQueue()
        for wish in wishes:
            self._wishes.put(wish)
        self._note = note
        self._noting = threading.Lock()
        self._threads = min(1 if dry else concurrency, len(wishes))  # by one alone they are told as they are declared
        self._dry = dry
        self._stop = threading.Event()
        self._pace = Pace(rate, self._stop)
        self.away = ""
        """Why the store was away, if it was: then the rest is left."""

    def run(self) -> None:
        """Return when all is done, or the store is away. Raises KeyboardInterrupt once the loads that run are done."""
        with ThreadPoolExecutor(max(self._threads, 1), thread_name_prefix="warming") as pool:
            working = [pool.submit(self._work) for _ in range(self._threads)]
            try:
                for each in working:
                    each.result()
            finally:
                self._stop.set()

    def _work(self) -> None:
        try:
            for wish in self._rest():
                try:
                    item = self._filled(wish)
                except StoreUnavailable as error:
                    self.away = str(error)
                    self._stop.set()
                    return
                if item is not None:
                    with self._noting:
                        self._note(item)
        finally:
            connections.close_all()  # this thread's own

    def _rest(self) -> Iterator[Wish[Any]]:
        while not self._stop.is_set():
            try:
                yield self._wishes.get_nowait()
            except queue.Empty:
                return

    def _filled(self, wish: Wish[Any]) -> Item | None:
        """What became of a wish; None when the run was stopped before its turn. Raises StoreUnavailable."""
        began = time.perf_counter()
        try:
            if is_fresh(wish):
                return _item(wish, "fresh", began)
        except (ParameterError, TypeError, ValueError) as error:
            return _item(wish, "failed", began, reason(error))
        if self._dry:
            return _item(wish, "missing", began)
        if not self._pace.wait():
            return None
        began = time.perf_counter()
        [warmed] = warm([wish])
        return _item(wish, warmed.outcome, began, warmed.why)


def _item(wish: Wish[Any], outcome: ItemOutcome, began: float, why: str = "") -> Item:
    took = round((time.perf_counter() - began) * 1000, 1)
    return Item(policy=wish.policy.name, params=_params(wish), outcome=outcome, milliseconds=took, why=why)


def _params(wish: Wish[Any]) -> str:
    policy = wish.policy
    try:
        shown = keys.parts(policy.name, policy.params, policy.secret_params, wish.params)
    except CachePlatformError:
        return "?"
    return ",".join(f"{name}={value}" for name, value in shown.items()) or "-"


def outcomes_by_policy(items: Sequence[Item]) -> dict[str, Counter[str]]:
    """How many items of each policy had which outcome."""
    found: dict[str, Counter[str]] = {}
    for item in items:
        found.setdefault(item.policy, Counter())[item.outcome] += 1
    return found
