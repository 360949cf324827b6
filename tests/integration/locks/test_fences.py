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
    yield from used(request.getfixturevalue(request.param), django_db_blocker)


@pytest.fixture
def postgres(postgres_alias: str, django_db_blocker: Any) -> Iterator[str]:
    """As `using`, for what PostgreSQL alone has."""
    yield from used(postgres_alias, django_db_blocker)


def used(alias: str, django_db_blocker: Any) -> Iterator[str]:
    """Until the test is over."""
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
            fences.guard(NAME, number, using=using, idle=60)
    with pytest.raises(LockLost, match="greater number than 6"), transaction.atomic(using=using):
        fences.guard(NAME, 6, using=using, idle=60)
    with transaction.atomic(using=using):
        fences.guard("thing:43", 1, using=using, idle=60)
    assert LockFence.objects.using(using).get(pk=NAME).number == 7


def test_what_is_rolled_back_has_not_written(using: str) -> None:
    """A smaller number may still."""
    with transaction.atomic(using=using):
        fences.guard(NAME, 9, using=using, idle=60)
        transaction.set_rollback(True, using=using)
    with transaction.atomic(using=using):
        fences.guard(NAME, 8, using=using, idle=60)


def test_a_guard_needs_a_transaction(using: str) -> None:
    """Without one it would guard nothing."""
    with pytest.raises(TransactionManagementError, match="atomic"):
        fences.guard(NAME, 1, using=using, idle=60)


@pytest.mark.parametrize(("already", "wanted"), [("0", "1min"), ("5s", "5s"), ("2h", "1min")])
def test_a_guarded_transaction_may_not_be_silent_for_long(postgres: str, already: str, wanted: str) -> None:
    """One that is stopped would have all later ones wait; what is set shorter stays, and the next one has it again."""
    with connections[postgres].cursor() as cursor:

        def limit() -> str:
            cursor.execute("SELECT current_setting('idle_in_transaction_session_timeout')")
            return str(cursor.fetchone()[0])

        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [already])
        with transaction.atomic(using=postgres):
            fences.guard(NAME, 3, using=postgres, idle=60)
            assert limit() == wanted
        assert limit() == already


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
