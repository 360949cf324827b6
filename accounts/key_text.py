"""The text of an API key: `cpk_<prefix>_<secret><checksum>`, letters and digits, so that a double click takes it all.

Only the prefix is ever shown again. The checksum is keyed: text that was not made here is refused without a query,
even by somebody who knows how keys look.
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

ALPHABET = string.digits + string.ascii_letters
PREFIX_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 10, 40, 8
TEXT = re.compile(
    rf"(?P<prefix>cpk_[0-9A-Za-z]{{{PREFIX_LENGTH}}})_[0-9A-Za-z]{{{SECRET_LENGTH}}}"
    rf"(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class KeyText:
    """What may be known of a key without keeping it: the prefix that is shown, and the digest that is stored."""

    prefix: str
    digest: str
    """HMAC-SHA256 under the pepper, 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `text` is not in its repr, so that no log or error page shows it."""

    text: str = field(repr=False)
    known: KeyText


def new_key() -> NewKey:
    """A key of 238 random bits."""
    body = f"cpk_{_random(PREFIX_LENGTH)}_{_random(SECRET_LENGTH)}"
    text = body + _checksum(body)
    return NewKey(text, _known(text))


def parse_key(text: str) -> KeyText | None:
    """What is known of the key `text`; None for what was not made by `new_key` under this pepper."""
    found = TEXT.fullmatch(text)
    if found is None or not constant_time_compare(found["checksum"], _checksum(text[:-CHECKSUM_LENGTH])):
        return None
    return _known(text)


def _known(text: str) -> KeyText:
    return KeyText(prefix=text[: len("cpk_") + PREFIX_LENGTH], digest=_hmac("digest", text).hex())


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in _hmac("checksum", body)[:CHECKSUM_LENGTH])


def _hmac(purpose: str, text: str) -> bytes:
    """HMAC-SHA256 of `text` under API_KEY_PEPPER, or under SECRET_KEY when there is none."""
    secret = settings.API_KEY_PEPPER or settings.SECRET_KEY
    return salted_hmac(f"accounts.api_keys.{purpose}", text, secret=secret, algorithm="sha256").digest()
