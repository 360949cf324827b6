"""OAuth 2.0 as a client (RFC 6749, 7636, 7009), with Authlib; its requests go through the bounded source."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from cache_platform.exceptions import SourceError, SourceMalformed, SourceRefused, SourceUnavailable
from cache_platform.http import Ask, HttpSource
from connectors.definitions import Provider
from connectors.platform_api import oauth_source
from connectors.providers import address, client_of, redirect_uri
from connectors.tokens import Tokens

ANSWERED = frozenset({200, 400, 401, 403})
"""What a token endpoint answers with JSON (RFC 6749, 5.1 and 5.2; GitHub says 200 for a refusal as well)."""
TAKEN_BACK = frozenset({200, 204})
"""What a revocation endpoint answers when it did it, or had nothing to do (RFC 7009, 2.2)."""
GITHUB_TAKEN_BACK = frozenset({204, 404, 422})
"""GitHub's two last ones: it does not know that token (any more)."""
TOKEN = re.compile(r"[\x21-\x7e]{1,8000}")
LONGEST_LIFE = 10 * 365 * 86_400
LATER = frozenset({"temporarily_unavailable", "server_error"})
"""Refusals that say nothing of the grant."""
OURS = frozenset({"invalid_client", "unauthorized_client", "incorrect_client_credentials", "redirect_uri_mismatch"})
"""Refusals of this site rather than of its user: a setting is wrong."""
GRANT_ENDED = frozenset({"invalid_grant", "bad_refresh_token"})
"""The refusals that are of the grant itself (RFC 6749, 5.2; the second is GitHub's)."""
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749, 3.3."""
WORD = re.compile(r"[a-z_]{1,40}")


class OAuthRefused(Exception):
    """The platform refused the grant. `code` is its error code (RFC 6749, 5.2), or `unknown_error`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token endpoint gave. `expires_in` is None for a token that does not end by itself."""

    tokens: Tokens
    expires_in: int | None
    scopes: tuple[str, ...]


def authorization_url(provider: Provider, *, state: str, verifier: str) -> str:
    """Where to send a person, with state and, where the platform knows it, the PKCE challenge (S256)."""
    with_pkce = {"code_verifier": verifier} if provider.pkce else {}
    url, _ = _client(provider).create_authorization_url(
        address(provider, provider.authorize_url), state=state, **with_pkce, **provider.authorize_params
    )
    return str(url)


def fetch(provider: Provider, *, code: str, verifier: str, redirect: str) -> Granted:
    """The tokens for a code. Raises OAuthRefused and SourceError."""
    sent = {"code_verifier": verifier} if provider.pkce else {}
    return _asked(
        provider,
        lambda client: client.fetch_token(
            address(provider, provider.token_url),
            grant_type="authorization_code",
            code=code,
            redirect_uri=redirect,
            **sent,
        ),
    )


def refresh(provider: Provider, tokens: Tokens, scopes: tuple[str, ...]) -> Granted:
    """New tokens for a refresh token; the old one where the platform gives no other. Raises OAuthRefused and
    SourceError."""
    granted = _asked(
        provider,
        lambda client: client.refresh_token(
            address(provider, provider.token_url), refresh_token=tokens.refresh, scope=None
        ),
        scopes=scopes,
    )
    kept = granted.tokens.refresh or tokens.refresh
    return Granted(Tokens(granted.tokens.access, kept), granted.expires_in, granted.scopes)


def revoke(provider: Provider, tokens: Tokens) -> None:
    """Have the platform take the tokens back. Raises SourceError, also for one that cannot revoke."""
    how = provider.revocation
    client = client_of(provider)
    if how is None or client is None:
        raise SourceRefused(provider.name, "it has no way to revoke")
    url = address(provider, how.url).replace("{client_id}", client.id)
    token = tokens.refresh if how.takes == "refresh" and tokens.refresh else tokens.access
    if how.style == "rfc7009":
        _client(provider, answers=TAKEN_BACK).revoke_token(url, token=token)
        return
    basic = base64.b64encode(f"{client.id}:{client.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
    ask = Ask(url, method="DELETE", headers=headers, json={"access_token": token})
    oauth_source(provider.slug).exchange(ask, expected=GITHUB_TAKEN_BACK)


class _NoJson(Exception):
    """A refusal without a word of OAuth in it: of this one request, so it says nothing of the platform as a whole."""


class _Reply:
    """An answer, as Authlib wants to see it."""

    def __init__(self, source: HttpSource, status: int, body: bytes) -> None:
        self._source = source
        self.status_code = status
        self._body = body

    def json(self) -> Any:  # noqa: ANN401  # any JSON
        try:
            found = msgspec.json.decode(self._body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(type(error).__name__) from None
        if isinstance(found, dict) and "error" in found:
            return {"error": found["error"]}  # Authlib chokes on descriptions with quotes, which platforms do send
        self.raise_for_status()
        return found

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise _NoJson(self.status_code)


class _Session:
    """What Authlib's client sends its requests through."""

    def __init__(self, source: HttpSource, answers: frozenset[int]) -> None:
        self._source = source
        self._answers = answers

    def post(self, url: str, *, data: dict[str, str], headers: dict[str, str], auth: Any) -> _Reply:  # noqa: ANN401  # Authlib's ClientAuth
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        form = dict(parse_qsl(body, keep_blank_values=True))
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        ask = Ask(url, method="POST", headers={**headers, "Accept": "application/json"}, form=form)
        answer = self._source.exchange(ask, expected=self._answers, part=True)
        return _Reply(self._source, answer.status, answer.body)


def _client(provider: Provider, *, answers: frozenset[int] = ANSWERED) -> OAuth2Client:
    client = client_of(provider)
    if client is None:
        raise SourceRefused(provider.name, "this site is not registered there")
    return OAuth2Client(
        _Session(oauth_source(provider.slug), answers),
        client_id=client.id,
        client_secret=client.secret,
        token_endpoint_auth_method=provider.client_auth,
        revocation_endpoint_auth_method=provider.client_auth,
        scope=provider.scope_separator.join(provider.scopes),
        redirect_uri=redirect_uri(),
        code_challenge_method="S256" if provider.pkce else None,
    )


def _asked(provider: Provider, call: Any, *, scopes: tuple[str, ...] | None = None) -> Granted:  # noqa: ANN401  # of Authlib's untyped client
    """What a call of Authlib's client gave, with its errors translated; all its texts may carry what was sent."""
    source = oauth_source(provider.slug)
    with source.judged():
        try:
            return _granted(provider, call(_client(provider)), scopes or provider.scopes)
        except OAuth2Error as error:
            code = error.error if isinstance(error.error, str) and WORD.fullmatch(error.error) else "unknown_error"
        except _NoJson as error:
            code, status = "", str(error)
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise SourceMalformed(provider.name, f"the answer is no token ({type(error).__name__})") from None
    if not code:
        raise SourceMalformed(provider.name, f"HTTP {status} without an error of OAuth")
    if code in LATER:
        raise SourceUnavailable(provider.name, f"it says {code}")
    raise OAuthRefused(code)


def _granted(provider: Provider, token: Any, asked: tuple[str, ...]) -> Granted:  # noqa: ANN401  # Authlib's untyped token
    access, refresh_token, kind = token.get("access_token"), token.get("refresh_token"), token.get("token_type")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise SourceMalformed(provider.name, "the answer holds no bearer token")
    for text in (access, refresh_token) if refresh_token is not None else (access,):
        if not isinstance(text, str) or not TOKEN.fullmatch(text):
            raise SourceMalformed(provider.name, "the answer holds something else than a token")
    return Granted(Tokens(access, refresh_token or ""), _life(provider, token), _scopes(token.get("scope"), asked))


def _life(provider: Provider, token: Any) -> int | None:  # noqa: ANN401  # Authlib's untyped token
    given = token.get("expires_in")
    if given is None:
        return None
    if isinstance(given, str) and given.isascii() and given.isdecimal():
        given = int(given[:12])
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= LONGEST_LIFE:
        raise SourceMalformed(provider.name, "the answer says no sensible expires_in")
    return given


def _scopes(given: object, asked: tuple[str, ...]) -> tuple[str, ...]:
    """What was granted; what was asked for, where the answer does not say (RFC 6749, 5.1)."""
    if not isinstance(given, str) or not given.strip():
        return asked
    words = re.split(r"[\s,]+", given[:2000])
    return tuple(dict.fromkeys(word for word in words if SCOPE.fullmatch(word)))


__all__ = ["Granted", "OAuthRefused", "SourceError", "authorization_url", "fetch", "refresh", "revoke"]
