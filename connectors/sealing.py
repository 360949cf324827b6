"""Encryption of what must not be readable in the database: Fernet under keys of their own, newest first.

Each text is bound to its purpose and its owner, so that whoever can write to the tables cannot give one person another
one's tokens by copying a column.
"""

from __future__ import annotations

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

Envelope = tuple[str, str, bytes]


class Unreadable(Exception):
    """No key opens this, or it was sealed for something or somebody else. `manage.py rotate_token_keys --help` says
    how keys are changed without losing anything."""


def seal(purpose: str, owner: str, secret: bytes) -> str:
    """`secret`, encrypted under the newest key; only `unseal` with the same purpose and owner gives it back."""
    return _keys().encrypt(msgspec.msgpack.encode((purpose, owner, secret))).decode()


def unseal(purpose: str, owner: str, sealed: str) -> bytes:
    """What was sealed, whichever of the keys it was sealed with. Raises Unreadable."""
    try:
        found = msgspec.msgpack.decode(_keys().decrypt(sealed), type=Envelope)
    except (InvalidToken, ValueError, msgspec.DecodeError):  # ValueError: a column that is not even ASCII
        raise Unreadable(f"{purpose}: no key in TOKEN_KEYS opens it") from None
    if found[:2] != (purpose, owner):
        raise Unreadable(f"{purpose}: it was sealed for something else")
    secret: bytes = found[2]
    return secret


def sealed_anew(sealed: str) -> str:
    """The same secret under the newest key. Raises Unreadable."""
    try:
        return _keys().rotate(sealed).decode()
    except (InvalidToken, ValueError):
        raise Unreadable("no key in TOKEN_KEYS opens it") from None


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key.strip()) for key in settings.TOKEN_KEYS.split(",")])
