"""What users of this app need in their own tests: a loader that can be paused, a store that fails, a clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from cache_platform import stores
from cache_platform.conf import conf
from cache_platform.entry_counts import entry_counter
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores.base import Store
from cache_platform.stores.memory import MemoryStore, wall_clock_ms

PLACES = (
    "reading",
    "batches",
    "generations",
    "transactions",
    "outbox",
    "inspection",
    "recents",
    "statistics",
    "entry_counts",
    "health",
)
LIMITS = ("stores", "ratelimits", "loading", "health")
PATIENCE = 10.0
"""Seconds after which a pause that nobody ends fails the test instead of hanging it."""


class FakeClock:
    """A clock that moves when told; call it for the milliseconds."""

    def __init__(self, now: int = 1_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += int(seconds * 1000)


class PausedLoader:
    """A loader that stops inside each call until `resume`; then it returns what `value` is by that time."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401  # any loader's value
        self.value = value
        self.calls = 0
        self._entered = threading.Semaphore(0)
        self._go = threading.Event()

    def __call__(self, **_params: object) -> Any:  # noqa: ANN401  # any loader's value
        self.calls += 1
        seen = self.value
        self._entered.release()
        if not self._go.wait(PATIENCE):
            raise AssertionError("nobody resumed the loader")
        return seen

    def wait_until_entered(self) -> None:
        """Return once a call is inside, its value read already."""
        assert self._entered.acquire(timeout=PATIENCE), "nobody called the loader"

    def resume(self) -> None:
        """Let all calls, those inside and those to come, return."""
        self._go.set()


class FailingStore:
    """A store whose methods named in `failing` raise StoreUnavailable; the others reach the real one."""

    def __init__(self, real: Store, failing: set[str]) -> None:
        self._real = real
        self.failing = failing
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # any method of a store
        def method(*args: object, **kwargs: object) -> Any:  # noqa: ANN401
            self.calls.append(name)
            if name in self.failing:
                raise StoreUnavailable(f"{name} fails on purpose")
            return getattr(self._real, name)(*args, **kwargs)

        return method


@contextmanager
def isolated_cache(clock: Callable[[], int] = wall_clock_ms) -> Iterator[MemoryStore]:
    """An empty in-memory store for one test, going by `clock` (a FakeClock, to let entries age without waiting).

    Django's TestCase runs each test in a transaction that never commits. In here it does not count: strict policies
    store, and what is written supersedes at once.
    """
    memory = MemoryStore(max_bytes=conf.memory_max_bytes, clock=clock)
    with ExitStack() as patches:
        for place in ("stores", *PLACES):
            patches.enter_context(mock.patch(f"cache_platform.{place}.get_store", return_value=memory))
        for place in LIMITS:
            patches.enter_context(mock.patch(f"cache_platform.{place}.get_state_store", return_value=memory))
        for place in ("stores", "reading", "batches", "generations", "loading", "ratelimits"):
            patches.enter_context(mock.patch(f"cache_platform.{place}.get_memory", return_value=memory))
        for place in ("loading", "recents"):
            patches.enter_context(mock.patch(f"cache_platform.{place}.wall_clock_ms", clock))
        patches.enter_context(mock.patch("cache_platform.inputs.in_transaction", return_value=False))
        patches.enter_context(mock.patch("cache_platform.transactions._immediate", memory.bump))
        stores.local_copies.reset()
        entry_counter.reset()
        yield memory
        stores.local_copies.reset()
        entry_counter.reset()


@contextmanager
def failing_store(*failing: str) -> Iterator[FailingStore]:
    """Have the methods named fail; all of a store's that readers use when none is named."""
    real = stores.get_store()
    names = set(failing) or {
        "lookup",
        "fill",
        "release",
        "bump",
        "take",
        "give_back",
        "add_counters",
        "read_buckets",
        "read_counters",
        "read_totals",
        "ping",
    }
    store = FailingStore(real, names)
    with ExitStack() as patches:
        for place in ("stores", *PLACES):
            patches.enter_context(mock.patch(f"cache_platform.{place}.get_store", return_value=store))
        for place in LIMITS:
            patches.enter_context(mock.patch(f"cache_platform.{place}.get_state_store", return_value=store))
        yield store
