# mypy: disallow-subclassing-any=False
# Authlib has no types.
"""One platform's authorization server: Authlib's, on the sandbox's store."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc9207 import IssuerParameter

from sandbox.oauth.client import Client
from sandbox.oauth.definitions import Platform
from sandbox.oauth.grants import CodeGrant, RefreshGrant, RequiredChallenge, RotatingRefreshGrant
from sandbox.oauth.messages import Answer, Request
from sandbox.oauth.records import Token
from sandbox.oauth.store import Store
from sandbox.oauth.switches import Settings

TOKEN_BYTES = 32


class Issuer(IssuerParameter):
    """Says in each authorization answer whose it is (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def get_issuer(self) -> str:
        """Return the server's identifier."""
        return self.issuer


class Revocation(RevocationEndpoint):
    """Takes tokens back (RFC 7009), and with one all that came of the same consent."""

    CLIENT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]

    def check_params(self, request: Request, client: Client) -> None:  # noqa: ARG002 - Authlib passes it
        """Raises InvalidRequestError without a token. A hint of a type unknown here is ignored (RFC 7009, 2.1)."""
        if not request.form.get("token"):
            raise InvalidRequestError("Missing 'token' in request.")

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:  # noqa: ARG002 - a hint
        """Return the token, of either type."""
        found: Token | None = self.server.store.find_token(self.server.platform.slug, token_string, "access", "refresh")
        return found

    def revoke_token(self, token: Token, request: Request) -> None:  # noqa: ARG002 - Authlib passes it
        """Revoke its family."""
        self.server.store.revoke_family(token.grant.family)


class Server(AuthorizationServer):
    """The server of `platform` at Unix time `now`; made anew for each request."""

    def __init__(self, platform: Platform, store: Store, settings: Settings, *, issuer: str, now: float) -> None:
        super().__init__(scopes_supported=list(platform.scopes))
        self.platform = platform
        self.store = store
        self.now = now
        self.refuses_refresh = settings.refuse_refresh
        self.issuer = Issuer(issuer)
        self.expires_in = platform.expires_in if settings.expires_in is None else settings.expires_in
        self.register_token_generator("default", BearerTokenGenerator(_random, _random, lambda *_: self.expires_in))
        self.register_grant(CodeGrant, [RequiredChallenge(required=True)])
        if platform.refresh != "none":
            self.register_grant(RotatingRefreshGrant if platform.refresh == "rotated" else RefreshGrant)
        self.register_endpoint(Revocation)
        self.register_extension(self.issuer)

    def create_oauth2_request(self, request: Request) -> Request:
        """Return the request: views make it themselves, since they know where its parameters are."""
        return request

    def query_client(self, client_id: str) -> Client | None:
        """Return the client, if it is the one registered."""
        return Client(self.platform) if client_id == self.platform.client_id else None

    def save_token(self, token: dict[str, Any], request: Any) -> None:  # noqa: ANN401 - Authlib's request
        """Keep the tokens just issued, as of the family of the code or token that they were issued for."""
        source = request.authorization_code or request.refresh_token
        grant = replace(source.grant, scope=token["scope"])
        lifetime = token.get("expires_in")
        expires_at = None if lifetime is None else self.now + lifetime
        self.store.add_token(token["access_token"], "access", grant, expires_at=expires_at)
        if "refresh_token" in token:
            # Less may be asked of one access token; what was agreed to stays (RFC 6749, 6).
            self.store.add_token(token["refresh_token"], "refresh", source.grant)

    def authenticate_client(self, request: Request, methods: list[str], endpoint: str = "token") -> Client:
        """Return the client that proves to be one. Raises InvalidClientError."""
        try:
            client: Client = super().authenticate_client(request, methods, endpoint)
        except ValueError as error:  # credentials that are no text; Authlib decodes them without looking
            raise InvalidClientError(status_code=401) from error
        return client

    def handle_response(self, status: int, body: Any, headers: Iterable[tuple[str, str]]) -> Answer:  # noqa: ANN401 - any
        """Return what Authlib answers."""
        return Answer(status, body if isinstance(body, dict) else {}, dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Tell nobody."""


def _random(**_about: object) -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)
