"""Where a lock may not be taken, or is told to be of little use."""

from __future__ import annotations

import asyncio

import pytest
from django.db import connection, transaction

from cache_platform import DistributedLock, LockLost
from cache_platform.stores.lock_store import MemoryLocks

NAME = "thing:42"


def test_an_event_loop_is_not_blocked() -> None:
    """It says where to take it instead; nothing is taken."""

    async def take(lock: DistributedLock) -> bool:
        return lock.acquire()

    lock = DistributedLock(NAME, timeout=10)
    with pytest.raises(RuntimeError, match="to_thread"):
        asyncio.run(take(lock))

    async def take_in_thread() -> bool:
        return await asyncio.to_thread(lock.acquire)

    assert asyncio.run(take_in_thread())
    assert lock.release()


@pytest.mark.django_db(transaction=True)
def test_a_lock_in_a_transaction_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """It is let go before the COMMIT."""
    with DistributedLock(NAME, timeout=10), transaction.atomic():
        pass
    assert "transaction" not in caplog.text
    with transaction.atomic(), DistributedLock(NAME, timeout=10):
        pass
    assert "taken inside a transaction on 'default'" in caplog.text


@pytest.mark.django_db
def test_a_tests_own_transaction_is_no_mistake(caplog: pytest.LogCaptureFixture) -> None:
    """Django's TestCase has one around each test."""
    assert connection.in_atomic_block
    with DistributedLock(NAME, timeout=10):
        pass
    assert "transaction" not in caplog.text


def test_who_was_without_redis_gets_no_late_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may have had the lock, and a number, meanwhile; one that was taken before stays."""
    monkeypatch.setattr("cache_platform.locks.fences.next_number", lambda: (7, True))
    early, late = DistributedLock("early", timeout=10), DistributedLock("late", timeout=10)
    with early, late:
        assert early.fence == 7
        monkeypatch.setattr(MemoryLocks, "outages", 1)
        with pytest.raises(LockLost, match="away before"):
            late.fence  # noqa: B018  # asking for it is the point
        assert early.fence == 7
