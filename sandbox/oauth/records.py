"""What a consent leads to: a code, then tokens. The methods are those that Authlib asks of its models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sandbox.oauth.client import Client

Kind = Literal["access", "refresh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What somebody agreed to. All tokens that come of one consent are of one `family`."""

    platform: str
    account: str
    scope: str
    family: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code (RFC 6749, 4.1.2) with its PKCE challenge; `expires_at` is Unix time."""

    digest: str = field(repr=False)
    grant: Grant
    redirect_uri: str
    code_challenge: str = field(repr=False)
    offline: bool
    expires_at: float
    used: bool = False
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        """Return where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return what was agreed to."""
        return self.grant.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access or refresh token; `used` refresh tokens were replaced by others, `expires_at` None is never."""

    digest: str = field(repr=False)
    kind: Kind
    grant: Grant
    expires_at: float | None
    used: bool = False
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        """Return whether it was issued to `client`."""
        return client.platform.slug == self.grant.platform

    def get_scope(self) -> str:
        """Return what was agreed to."""
        return self.grant.scope

    def is_live(self, now: float) -> bool:
        """Return whether it is accepted at Unix time `now`."""
        return not (self.revoked or self.used) and (self.expires_at is None or now < self.expires_at)
