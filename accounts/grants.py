"""What a token or a key grants: the values of the policies `auth.jwt` and `auth.api_key`, and views' `request.auth`."""

from __future__ import annotations

from uuid import UUID

import msgspec

from accounts.identity import Identity


class TokenGrant(msgspec.Struct, frozen=True, kw_only=True):
    """An access token that is good: whose it is, its family, and its end in unix seconds."""

    identity: Identity
    family: UUID
    expires: float


class KeyGrant(msgspec.Struct, frozen=True, kw_only=True):
    """An API key that is good: whose it is, its row, what it may do, and its end in unix seconds, if it has one."""

    identity: Identity
    key_id: int
    scopes: tuple[str, ...]
    expires: float | None
