"""What is a token of ours, told without the database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, SlidingToken, Token

from accounts.tokens import LONGEST_TOKEN, TokenPair, parse_access, parse_refresh

FAMILY = "683bc4aba4014195aa46ff01436d255e"


def token(kind: type[Token] = AccessToken, **claims: Any) -> str:
    """A token with good claims, and those given instead; None takes one out."""
    made = kind()
    made.payload |= {"user_id": "7", "family": FAMILY, **claims}
    made.payload = {name: value for name, value in made.payload.items() if value is not None}
    return str(made)


def signed(header: dict[str, Any], payload: dict[str, Any], key: str, algorithm: str = "HS256") -> str:
    """A token by any other maker."""
    return jwt.encode(payload, key, algorithm=algorithm, headers=header)


def segment(value: object) -> str:
    """A part of a token: base64url of JSON, or of bytes."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_an_access_token_says_whose_it_is() -> None:
    """User, family, id, end, and a digest by which it is known."""
    text = token()
    claims = parse_access(text)
    assert claims is not None
    assert (claims.user_id, claims.family.hex) == (7, FAMILY)
    assert claims.expires == AccessToken(text)["exp"]
    assert len(claims.digest) == 64
    assert text not in repr(claims)


def test_the_types_are_not_mixed_up() -> None:
    """A refresh token lives for weeks, and must not open what an access token opens."""
    assert parse_access(token(RefreshToken)) is None
    assert parse_refresh(token(AccessToken)) is None
    assert parse_access(token(SlidingToken)) is None
    assert parse_refresh(token(RefreshToken)) is not None


@pytest.mark.parametrize("ago", [timedelta(seconds=0), timedelta(seconds=1), timedelta(days=400)])
def test_an_expired_token_is_refused(ago: timedelta) -> None:
    """From the second of its end on."""
    made = AccessToken()
    made["user_id"], made["family"] = "7", FAMILY
    made.set_exp(lifetime=-ago)
    assert parse_access(str(made)) is None


@pytest.mark.parametrize("claim", ["user_id", "family", "jti", "exp", "token_type"])
def test_a_token_that_lacks_a_claim_is_refused(claim: str) -> None:
    """Also one that was signed with the right key."""
    assert parse_access(token(**{claim: None})) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"user_id": "seven"},
        {"user_id": None, "sub": "7"},
        {"user_id": [7]},
        {"family": "x"},
        {"family": 7},
        {"family": {}},
        {"exp": "soon"},
        {"token_type": ["access"]},
    ],
)
def test_claims_of_the_wrong_kind_are_refused(claims: dict[str, Any]) -> None:
    """A refusal, and not an error."""
    assert parse_access(token(**claims)) is None


def payload() -> dict[str, Any]:
    """The claims of a good token."""
    return dict(AccessToken(token()).payload)


def test_another_key_is_refused() -> None:
    """SECRET_KEY itself among them: the key of tokens is derived from it."""
    for key in (settings.SECRET_KEY, "x" * 64):
        assert parse_access(signed({}, payload(), key)) is None
    assert parse_access(signed({}, payload(), settings.SIMPLE_JWT["SIGNING_KEY"])) is not None


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None])
def test_an_unsigned_token_is_refused(algorithm: str | None) -> None:
    """With and without something where the signature stands."""
    for rest in ("", "x", segment(b"signature")):
        text = f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{segment(payload())}.{rest}"
        assert parse_access(text) is None


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused_with_the_right_key(algorithm: str) -> None:
    """One algorithm, whatever the header says."""
    assert parse_access(signed({}, payload(), settings.SIMPLE_JWT["SIGNING_KEY"] * 2, algorithm)) is None
    good = token()
    body, signature = good.split(".")[1:]
    assert parse_access(f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{body}.{signature}") is None


def test_a_public_key_is_not_taken_for_the_secret() -> None:
    """RS256 in the header, and an HMAC under the public key behind it."""
    text = f"{segment({'alg': 'RS256', 'typ': 'JWT'})}.{segment(payload())}"
    for key in (b"-----BEGIN PUBLIC KEY-----", b""):
        assert parse_access(f"{text}.{segment(hmac.digest(key, text.encode(), hashlib.sha256))}") is None


@pytest.mark.parametrize(
    "header",
    [
        {"alg": ["HS256"]},
        {"alg": {"HS256": 1}},
        {"alg": 256},
        {},
        [],
        "HS256",
        None,
        {"alg": "HS256", "kid": 5},
        {"alg": "HS256", "crit": ["x"]},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
        {"alg": "HS256", "jku": "https://example.org"},
        b"[" * 1400,
        b"\xff\xfe",
        b'{"alg":"HS256"',
        b'{"alg":' + b"9" * 1000 + b"}",
    ],
)
def test_odd_headers_are_refused(header: object) -> None:
    """Nested deep, of other types, pointing elsewhere."""
    good = token()
    body, signature = good.split(".")[1:]
    assert parse_access(f"{segment(header)}.{body}.{signature}") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "=",
        lambda text: text.replace(".", "=.", 1),
        lambda text: text + " ",
        lambda text: " " + text,
        lambda text: text + "\n",
        lambda text: text + ".",
        lambda text: text + ".x",
        lambda text: "." + text,
        lambda text: text.rpartition(".")[0],
        lambda text: text.rpartition(".")[0] + ".",
        lambda text: text.replace("-", "+").replace("_", "/") + "\0",
        lambda text: text + "é",
        lambda text: f'"{text}"',
        lambda text: text.upper(),
        lambda text: text + "," + text,
        lambda _: "",
        lambda _: "..",
        lambda _: "a.b.c",
        lambda _: "null",
        lambda _: "\x85",
    ],
)
def test_a_token_has_one_spelling(change: Any) -> None:
    """Each other spelling would be an entry of its own."""
    assert parse_access(change(token())) is None


def test_the_last_character_is_not_free() -> None:
    """The bits of it that base64url does not use could else be anything."""
    text = token()
    others = {text[:-1] + letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"}
    assert [other for other in others if parse_access(other) is not None] == [text]


def test_a_huge_token_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte is not decoded to find out that it is nonsense."""
    read: list[str] = []
    monkeypatch.setattr(jwt, "decode", lambda text, *_, **__: read.append(text))
    assert parse_access("a" * 1_000_000) is None
    assert parse_access(f"{'a' * LONGEST_TOKEN}.b.c") is None
    assert read == []


def test_a_pair_is_not_in_its_own_repr() -> None:
    """Logs and error pages show reprs."""
    pair = TokenPair(access="secret-a", refresh="secret-r", expires_in=300)
    assert "secret" not in repr(pair)
