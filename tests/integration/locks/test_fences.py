"""Numbers, and the guard that goes by them, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.db import connections, transaction
from django.db.transaction import TransactionManagementError

from cache_platform import DistributedLock, LockLost, fences
from cache_platform.models import LockFence

NAME = "thing:42"


@pytest.fixture(params=["postgres_alias", "sqlite_alias"])
def using(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[str]:
    """A database in which transactions really commit; numbers come from it, too."""
    alias: str = request.getfixturevalue(request.param)
    with django_db_blocker.unblock(), mock.patch.object(fences, "DEFAULT_DB_ALIAS", alias):
        yield alias
        LockFence.objects.using(alias).all().delete()
    connections[alias].close()


def test_each_number_is_greater_than_all_before(using: str) -> None:
    """Whatever is rolled back; and outside a transaction it is taken for good."""
    first, lasting = fences.next_number()
    assert lasting
    with transaction.atomic(using=using):
        fences.next_number()
        transaction.set_rollback(True, using=using)
    last, _ = fences.next_number()
    assert last > first


def test_a_number_of_a_transaction_on_sqlite_is_not_kept(using: str) -> None:
    """Rolled back, the next one gets it again; so each transaction takes one of its own."""
    with transaction.atomic(using=using):
        _, lasting = fences.next_number()
    assert lasting is (connections[using].vendor == "postgresql")


def test_the_greater_number_writes(using: str) -> None:
    """The same one may write again; a smaller one never more, for this name."""
    for number in (3, 3, 7):
        with transaction.atomic(using=using):
            fences.guard(NAME, number, using=using)
    with pytest.raises(LockLost, match="greater number than 6"), transaction.atomic(using=using):
        fences.guard(NAME, 6, using=using)
    with transaction.atomic(using=using):
        fences.guard("thing:43", 1, using=using)
    assert LockFence.objects.using(using).get(pk=NAME).number == 7


def test_what_is_rolled_back_has_not_written(using: str) -> None:
    """A smaller number may still."""
    with transaction.atomic(using=using):
        fences.guard(NAME, 9, using=using)
        transaction.set_rollback(True, using=using)
    with transaction.atomic(using=using):
        fences.guard(NAME, 8, using=using)


def test_a_guard_needs_a_transaction(using: str) -> None:
    """Without one it would guard nothing."""
    with pytest.raises(TransactionManagementError, match="atomic"):
        fences.guard(NAME, 1, using=using)


def test_a_lock_has_one_number(using: str) -> None:
    """The next holder has a greater one; who holds nothing has none."""
    seen = []
    for _ in range(2):
        with DistributedLock(NAME, timeout=60) as lock:
            seen += [lock.fence, lock.fence]
            with transaction.atomic(using=using):
                lock.guard(using)
    assert seen[0] == seen[1] < seen[2] == seen[3]
    with pytest.raises(LockLost):
        lock.fence  # noqa: B018  # asking for it is the point
    with pytest.raises(LockLost), transaction.atomic(using=using):
        lock.guard(using)
