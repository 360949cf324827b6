"""What a platform granted, into a connection's row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from connectors.models import ConnectionStatus
from connectors.oauth import Granted
from connectors.tokens import sealed

AHEAD = timedelta(minutes=5)
"""How long before its end an access token is renewed, or a fifth of its life, if that is less."""


def columns(granted: Granted, *, user_id: int, provider: str, now: datetime) -> dict[str, Any]:
    """The columns of a connection that works with what was granted at `now`. They end a refresh that runs meanwhile:
    it would store older tokens."""
    life = None if granted.expires_in is None else timedelta(seconds=granted.expires_in)
    return {
        "status": ConnectionStatus.CONNECTED,
        "problem": "",
        "scopes": list(granted.scopes),
        "sealed_tokens": sealed(granted.tokens, user_id=user_id, provider=provider),
        "renewable": bool(granted.tokens.refresh),
        "renew_at": None if life is None else now + life - min(AHEAD, life / 5),
        "expires_at": None if life is None else now + life,
        **NO_CLAIM,
    }


NO_CLAIM: dict[str, Any] = {"refresh_claim": "", "refresh_claimed_until": None}
NO_TOKENS: dict[str, Any] = {
    "sealed_tokens": "",
    "renewable": False,
    "renew_at": None,
    "expires_at": None,
    **NO_CLAIM,
}
