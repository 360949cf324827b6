"""The client that each platform knows: the site. The methods are those that Authlib asks of its models."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from sandbox.oauth.definitions import Platform

REDIRECT = re.compile(r"http://(?:127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?/api/connectors/callback")
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Client:
    """A confidential client with one redirect address."""

    platform: Platform

    def get_client_id(self) -> str:
        """Return its id."""
        return self.platform.client_id

    def get_default_redirect_uri(self) -> None:
        """Return None: requests must say where to go."""

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Return whether `redirect_uri` is the registered one, letter by letter, on any port of a loopback address.

        RFC 8252, 7.3: a program on this machine gets its port when it starts. `localhost` is refused (8.3 there).
        """
        return is_registered(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        """Return whether the secret is right, in a time that tells nothing."""
        return secrets.compare_digest(client_secret.encode(), self.platform.client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib passes it
        """Return whether it may authenticate so."""
        return method in self.platform.auth_methods

    def check_response_type(self, response_type: str) -> bool:
        """Return whether it may ask for this at the authorize endpoint."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Return whether it may ask for this at the token endpoint."""
        return grant_type == "authorization_code" or (grant_type == "refresh_token" and self.platform.refresh != "none")

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return the scopes asked for, or the one that the data needs if none is. The server has refused others."""
        return " ".join(dict.fromkeys((scope or "").split())) or self.platform.data_scope


def is_registered(redirect_uri: str) -> bool:
    """Return whether answers may be sent to `redirect_uri`."""
    found = REDIRECT.fullmatch(redirect_uri)
    return found is not None and (found[1] is None or int(found[1]) <= HIGHEST_PORT)
