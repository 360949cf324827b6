"""What of a plan connected platforms use up."""

from __future__ import annotations

from datetime import datetime

from accounts.usage import counted_by
from cache_platform import tags_of
from connectors.models import ConnectionStatus, PlatformConnection


def connections_of(user_id: int, since: datetime) -> int:  # noqa: ARG001  # all that there are
    """The user's connections that nobody has ended; those whose platform wants to be asked again count too."""
    return PlatformConnection.objects.filter(user_id=user_id).exclude(status=ConnectionStatus.DISCONNECTED).count()


counted_by("connections", connections_of)
tags_of(
    PlatformConnection,
    "subscription:{user_id}",
    ignoring=("sealed_tokens", "refresh_claim", "refresh_claimed_until"),
)
