# mypy: disallow-subclassing-any=False
# Authlib has no types.
"""The two grants (RFC 6749, 4.1 and 6), and PKCE, which is not optional here (RFC 7636)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import InvalidRequestError, grants
from authlib.oauth2.rfc7636 import CodeChallenge

from sandbox.oauth.accounts import ACCOUNTS, Account
from sandbox.oauth.records import Code, Grant, Token

if TYPE_CHECKING:
    from sandbox.oauth.client import Client
    from sandbox.oauth.messages import Request
    from sandbox.oauth.server import Server

CODE_SECONDS = 60


class RequiredChallenge(CodeChallenge):
    """PKCE with S256 for every client, confidential or not (RFC 9700, 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:  # noqa: ANN401 - Authlib's grant
        """Raises InvalidRequestError unless there is a challenge of method S256: none named would mean plain."""
        data = grant.request.payload.data
        if not data.get("code_challenge"):
            raise InvalidRequestError("Missing 'code_challenge'")
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("'code_challenge_method' must be S256")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(grants.AuthorizationCodeGrant):
    """Codes for consents, tokens for codes."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
    server: Server

    def save_authorization_code(self, code: str, request: Request) -> None:
        """Keep a code for a minute."""
        data = request.payload.data
        self.server.store.add_code(
            code,
            Code(
                digest="",
                grant=Grant(
                    platform=self.server.platform.slug,
                    account=request.user.slug,
                    scope=request.scope,
                    family=secrets.token_hex(16),
                ),
                redirect_uri=data["redirect_uri"],
                code_challenge=data["code_challenge"],
                offline=data.get("access_type") == "offline",
                expires_at=self.server.now + CODE_SECONDS,
            ),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Return the code if it is still good. A used one has leaked: its tokens are revoked (RFC 6749, 4.1.2)."""
        found = self.server.store.find_code(client.platform.slug, code)
        if found is None:
            return None
        if found.used:
            self.server.store.revoke_family(found.grant.family)
            return None
        return found if self.server.now < found.expires_at else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Mark it as used; deleted, its second use could not be told from a guess."""
        self.server.store.use_code(authorization_code)

    def authenticate_user(self, authorization_code: Code) -> Account | None:
        """Return who agreed."""
        return ACCOUNTS.get(authorization_code.grant.account)

    def generate_token(self, **wanted: Any) -> dict[str, object]:
        """Return the tokens; whether one of them is for refreshing is up to the platform."""
        platform = self.server.platform
        offline = self.request.authorization_code.offline or not platform.asks_offline
        wanted["include_refresh_token"] = offline and platform.refresh != "none"
        token: dict[str, object] = super().generate_token(**wanted)
        return token


class RefreshGrant(grants.RefreshTokenGrant):
    """New access tokens for refresh tokens that stay as they are."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
    server: Server

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        """Return the token if it is still good. A used one has leaked: the family is revoked (RFC 9700, 4.14.2)."""
        if self.server.refuses_refresh:
            return None
        found = self.server.store.find_token(self.server.platform.slug, refresh_token, "refresh")
        if found is not None and found.used:
            self.server.store.revoke_family(found.grant.family)
        return found if found is not None and found.is_live(self.server.now) else None

    def authenticate_user(self, refresh_token: Token) -> Account | None:
        """Return who agreed."""
        return ACCOUNTS.get(refresh_token.grant.account)

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """Leave it: it is not rotated."""


class RotatingRefreshGrant(RefreshGrant):
    """New access tokens for refresh tokens that are good once."""

    INCLUDE_NEW_REFRESH_TOKEN = True

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """Mark it as used."""
        self.server.store.use_token(refresh_token)
