"""The key of a session, as it stands in the cookie: 32 random letters and digits, and a MAC of them.

The MAC tells a key that was made here from one that somebody made up, without a query and without an entry in the
cache for each attempt. It gives no access: for that the row must be there, under an HMAC of the random part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.utils.crypto import constant_time_compare, get_random_string, salted_hmac

RANDOM_LENGTH = 32
"""165 bits, as Django's own keys."""
MAC_LENGTH = 16
"""64 bits: enough to make guessing it pointless, since a right guess finds no row."""
SHAPE = re.compile(rf"[a-z0-9]{{{RANDOM_LENGTH}}}[0-9a-f]{{{MAC_LENGTH}}}")
ROW_KEY_LENGTH = 40
"""What the column holds: 160 bits as hexadecimal digits."""
ROW_KEY = re.compile(rf"[0-9a-f]{{{ROW_KEY_LENGTH}}}")


def new_key() -> str:
    """A key that nobody has had."""
    random = get_random_string(RANDOM_LENGTH, VALID_KEY_CHARS)
    return random + _mac(random, settings.SECRET_KEY)


def row_key_of(key: str | None) -> str | None:
    """The primary key of the session with this key; None for a key that was not made here.

    A key that was made under one of SECRET_KEY_FALLBACKS finds its row too.
    """
    if key is None or not SHAPE.fullmatch(key):
        return None
    random, mac = key[:RANDOM_LENGTH], key[RANDOM_LENGTH:]
    for secret in _secrets():
        if constant_time_compare(mac, _mac(random, secret)):
            return _digits("accounts.sessions.row", random, secret)[:ROW_KEY_LENGTH]
    return None


def _secrets() -> Iterator[str | bytes]:
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS


def _mac(random: str, secret: str | bytes) -> str:
    return _digits("accounts.sessions.mac", random, secret)[:MAC_LENGTH]


def _digits(purpose: str, random: str, secret: str | bytes) -> str:
    return salted_hmac(purpose, random, secret=secret, algorithm="sha256").hexdigest()
