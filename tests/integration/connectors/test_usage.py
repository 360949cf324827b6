"""What connections use of a plan, as the subscription shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.subscriptions import read_subscription
from connectors.models import ConnectionStatus, PlatformConnection

pytestmark = pytest.mark.django_db(transaction=True)

CHANGES: dict[str, tuple[Callable[[PlatformConnection], Any], int]] = {
    "ended": (lambda row: PlatformConnection.objects.filter(pk=row.pk).update(status="disconnected"), 1),
    "to be asked again": (lambda row: PlatformConnection.objects.filter(pk=row.pk).update(status="needs_reauth"), 2),
    "deleted": (lambda row: row.delete(), 1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_connection_shows_at_once(redis_cache: object, change: str) -> None:
    """Whatever was cached; another's connections count for nobody else."""
    mary, john = (User.objects.create_user(name) for name in ("mary", "john"))
    rows = [
        PlatformConnection.objects.create(
            user=user, provider=provider, status=ConnectionStatus.CONNECTED, connected_at=timezone.now()
        )
        for user, provider in ((mary, "tunebox"), (mary, "daybook"), (john, "tunebox"))
    ]
    assert [read_subscription(user_id=user.pk).value.usage["connections"] for user in (mary, john)] == [2, 1]
    act, left = CHANGES[change]
    act(rows[0])
    assert [read_subscription(user_id=user.pk).value.usage["connections"] for user in (mary, john)] == [left, 1]
