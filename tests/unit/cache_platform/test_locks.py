"""DistributedLock in one process: what it promises, refuses and counts."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cache_platform
from cache_platform import DistributedLock, LockLost, LockNotAcquired
from cache_platform.exceptions import CachePlatformError, ParameterError, StoreUnavailable
from cache_platform.lock_renewal import Renewals, renewals
from cache_platform.locks import HARMLESS, _pause, counter_of, shown
from cache_platform.statistics import counters
from cache_platform.stores.lock_store import MemoryLocks, get_lock_store
from tests.services.waiting import wait_until

NAME = "thing:42"
SHORT = 0.15


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What locks have counted."""
    found: dict[str, int] = {}

    def add(name: str, amounts: dict[str, int]) -> None:
        for each, amount in amounts.items():
            found[f"{name}|{each}"] = found.get(f"{name}|{each}", 0) + amount

    monkeypatch.setattr(counters, "add", add)
    return found


def test_it_is_a_public_name() -> None:
    """As the interface has it."""
    assert cache_platform.DistributedLock is DistributedLock
    assert issubclass(LockNotAcquired, CachePlatformError)
    assert issubclass(LockLost, CachePlatformError)


def test_one_has_it_and_others_do_not() -> None:
    """Until the block ends."""
    with DistributedLock(NAME, timeout=10) as lock:
        assert (lock.lost, lock.backend) == (False, "memory")
        assert not DistributedLock(NAME, timeout=10).acquire()
        with pytest.raises(LockNotAcquired) as refused, DistributedLock(NAME, timeout=10):
            pass
        assert (refused.value.name, refused.value.retry_after) == (NAME, 1)
    assert (lock.lost, lock.backend) == (True, "")
    with DistributedLock(NAME, timeout=10):
        pass


def test_it_is_free_when_the_block_fails() -> None:
    """Whatever it raises."""
    with pytest.raises(ZeroDivisionError), DistributedLock(NAME, timeout=10):
        raise ZeroDivisionError
    with DistributedLock(NAME, timeout=10):
        pass


def test_it_is_free_when_its_object_is_forgotten() -> None:
    """Nobody could let it go any more, so it is not renewed for ever."""
    assert DistributedLock(NAME, timeout=1).acquire()
    wait_until(lambda: not renewals._due, what="it is let go")
    with DistributedLock(NAME, timeout=10):
        pass


def test_release_says_whether_it_was_held() -> None:
    """Never raises; twice is harmless."""
    lock = DistributedLock(NAME, timeout=10)
    assert not lock.release()
    assert lock.acquire()
    assert lock.release()
    assert not lock.release()


def test_one_object_is_one_holders() -> None:
    """It is not reentrant, and can be used again afterwards."""
    lock = DistributedLock(NAME, timeout=10)
    for _ in range(2):
        with lock, pytest.raises(RuntimeError, match="already"):
            lock.acquire()
    with DistributedLock(NAME, timeout=10), pytest.raises(LockNotAcquired), lock:
        pass
    assert lock.acquire()
    lock.release()


def test_two_threads_may_not_wait_with_one_object() -> None:
    """Neither could tell whose it is."""
    lock = DistributedLock(NAME, timeout=10)
    with DistributedLock(NAME, timeout=10) as other:
        thread = threading.Thread(target=lock.acquire, kwargs={"wait": 30})
        thread.start()
        wait_until(lambda: lock._in_use.locked(), what="the thread waits")
        with pytest.raises(RuntimeError, match="waits"):
            lock.acquire()
        other.release()
    thread.join()
    assert lock.release()


@pytest.mark.parametrize("timeout", [0, -1, 0.05, 3601, math.nan, math.inf, "10", True, None])
def test_a_timeout_that_is_none_is_refused(timeout: Any) -> None:
    """It says which there are."""
    with pytest.raises(ParameterError, match=r"0\.1 to 3600"):
        DistributedLock(NAME, timeout=timeout)


@pytest.mark.parametrize("wait", [-1, math.nan, math.inf, "1", False])
def test_a_wait_that_is_none_is_refused(wait: Any) -> None:
    """At once, also in acquire."""
    with pytest.raises(ParameterError, match="wait"):
        DistributedLock(NAME, timeout=1, wait=wait)
    with pytest.raises(ParameterError, match="wait"):
        DistributedLock(NAME, timeout=1).acquire(wait=wait)


def test_the_timeout_is_mandatory() -> None:
    """A lock without an end is none."""
    with pytest.raises(TypeError):
        DistributedLock(NAME)  # type: ignore[call-arg]


def test_it_waits_until_it_is_free(counted: dict[str, int]) -> None:
    """In the queue, and counts that it did."""
    first, second = DistributedLock(NAME, timeout=10), DistributedLock(NAME, timeout=10, wait=30)
    assert first.acquire()
    thread = threading.Thread(target=second.acquire)
    thread.start()
    wait_until(lambda: get_lock_store()._locks[NAME].waiting, what="it stands in the queue")  # type: ignore[union-attr]
    assert first.release()
    thread.join()
    assert second.release()
    assert counted == {"lock:thing|held": 2, "lock:thing|waited": 1}


def test_who_gives_up_leaves_the_queue(counted: dict[str, int]) -> None:
    """The next one does not wait for it."""
    with DistributedLock(NAME, timeout=10):
        assert not DistributedLock(NAME, timeout=10).acquire(wait=0.02)
        assert not get_lock_store()._locks[NAME].waiting  # type: ignore[union-attr]
    assert counted == {"lock:thing|held": 1, "lock:thing|refused": 1}


def test_who_is_interrupted_leaves_the_queue() -> None:
    """Whatever ends the wait, the object can be used again."""
    lock = DistributedLock(NAME, timeout=10)
    with DistributedLock(NAME, timeout=10):
        with (
            mock.patch("cache_platform.locks.time.sleep", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            lock.acquire(wait=5)
        assert not get_lock_store()._locks[NAME].waiting  # type: ignore[union-attr]
    assert lock.acquire()
    assert lock.release()


def test_a_refused_renewal_is_known_and_counted_once(counted: dict[str, int]) -> None:
    """The other holder is left alone."""
    lock = DistributedLock(NAME, timeout=60)
    assert lock.acquire()
    steal("thief")
    for grip in list(renewals._due):
        renewals._renew(grip)  # as the thread does, a third of its timeout later
    assert lock.lost
    assert not renewals._due
    assert not lock.release()
    assert not DistributedLock(NAME, timeout=10).acquire()
    assert counted == {"lock:thing|held": 1, "lock:thing|lost": 1, "lock:thing|refused": 1}
    get_lock_store().release(NAME, "thief")


def steal(owner: str) -> None:
    """Have the lock be another's, as after a loss of all data."""
    store = get_lock_store()
    assert isinstance(store, MemoryLocks)
    store._locks[NAME].owner, store._locks[NAME].until = owner, math.inf


def test_it_is_renewed_as_long_as_it_is_held() -> None:
    """Nobody else gets it meanwhile."""
    renewed = threading.Semaphore(0)
    real = MemoryLocks.renew

    def renew(*args: Any, **kwargs: Any) -> bool:
        kept = real(*args, **kwargs)
        renewed.release()
        return kept

    timeout = 1.5
    with mock.patch.object(MemoryLocks, "renew", renew), DistributedLock(NAME, timeout=timeout) as lock:
        for _ in range(4):  # each after a third of it
            assert renewed.acquire(timeout=10)
            assert not lock.lost
            assert not DistributedLock(NAME, timeout=1).acquire()


def test_a_lock_that_was_let_go_is_not_renewed() -> None:
    """The thread knows of no lock then."""
    with DistributedLock(NAME, timeout=SHORT):
        assert len(renewals._due) == 1
    assert not renewals._due


def test_without_threads_it_ends_by_its_timeout(caplog: pytest.LogCaptureFixture) -> None:
    """The next lock tries again."""
    with (
        mock.patch("cache_platform.locks.renewals", Renewals()),
        mock.patch("cache_platform.lock_renewal.threading.Thread.start", side_effect=RuntimeError("no more")),
    ):
        lock = DistributedLock(NAME, timeout=SHORT)
        assert lock.acquire()
        wait_until(lambda: lock.lost, what="it is lost")
        assert not lock.release()
    assert "not renewed" in caplog.text


def test_a_renewal_that_fails_does_not_end_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    """Other locks go on."""
    failed = threading.Event()

    def renew(*_: Any, **__: Any) -> bool:
        failed.set()
        raise ZeroDivisionError

    with mock.patch.object(MemoryLocks, "renew", renew), DistributedLock("other", timeout=SHORT):
        assert failed.wait(10)
    test_it_is_renewed_as_long_as_it_is_held()
    assert "could not be renewed" in caplog.text


class Away:
    """A store that does not answer."""

    name, in_doubt, away, outages = "redis", False, False, 0

    def release_later(self, lock: str, owner: str) -> None:
        """It will never come back."""

    def __getattr__(self, _: str) -> Callable[..., Any]:
        def method(*_: Any, **__: Any) -> Any:
            raise StoreUnavailable("on purpose")

        return method


def test_nobody_has_it_where_nobody_can_say(monkeypatch: pytest.MonkeyPatch, counted: dict[str, int]) -> None:
    """It is refused, and nothing else is raised."""
    monkeypatch.setattr("cache_platform.locks.get_lock_store", Away)
    monkeypatch.setattr("cache_platform.locks.get_database_locks", lambda: None)
    assert not DistributedLock(NAME, timeout=1).acquire(wait=0.02)
    with pytest.raises(LockNotAcquired), DistributedLock(NAME, timeout=1):
        pass
    assert counted == {"lock:thing|refused": 2}


def test_the_database_stands_in_and_it_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning for an outage, however many locks there are."""
    away, database = Away(), MemoryLocks()
    monkeypatch.setattr("cache_platform.locks.get_lock_store", lambda: away)
    monkeypatch.setattr("cache_platform.locks.get_database_locks", lambda: database)
    for _ in range(3):
        with DistributedLock(NAME, timeout=1):
            assert not DistributedLock(NAME, timeout=1).acquire()
    assert caplog.text.count("redis is away") == 1


@pytest.mark.parametrize(
    ("name", "counter"),
    [("aura:42", "lock:aura"), ("nightly", "lock:nightly"), ("Aura:42", "lock:other"), ("", "lock:other"),
     ("a|b:1", "lock:other"), ("x" * 31, "lock:other")],
)  # fmt: skip
def test_what_a_lock_counts_as(name: str, counter: str) -> None:
    """Its name up to the first colon, if that could not be anybody's data."""
    assert counter_of(name) == counter


@pytest.mark.parametrize("name", ["aura:42", "nightly", "a.b-c_d:e:f"])
def test_harmless_names_are_readable(name: str) -> None:
    """In redis-cli and in the database."""
    assert shown(name) == name


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_other_names_are_hashed(name: str) -> None:
    """Whatever is in them, lone surrogates too."""
    if not HARMLESS.fullmatch(name):
        assert len(shown(name)) == 33
    assert HARMLESS.fullmatch(shown(name).lstrip("!"))


@given(st.integers(1, 1000), st.integers(0, 50))
def test_pauses_are_bounded(place: int, pauses: int) -> None:
    """From 2.5 ms, half of the first, to 100 ms."""
    assert 0.0025 <= _pause(place, pauses) <= 0.1
