"""What the Django cache stores: pickles, signed so that only this site's own are ever unpickled.

Pickle because `cache_page`, sessions and Django's tests store objects; signed because unpickling runs whatever
the bytes say, so whoever may write to Redis could else run code in the site.

    stored form = "S1" | HMAC-SHA256 (32 bytes) | pickle

The HMAC (RFC 2104) covers the key under which the value is stored, so that one user's value, copied to another
user's key, is refused. Its key is derived from SECRET_KEY with a label of its own.
"""

from __future__ import annotations

import hmac
import logging
import pickle
import re
import threading
from functools import lru_cache
from typing import Any

from django.conf import settings
from django_redis.serializers.base import BaseSerializer

from cache_platform.exceptions import UnreadableEntry

logger = logging.getLogger(__name__)

MAGIC = b"S1"
MAC_SIZE = 32
LABEL = b"cache_platform.stores.signed_pickle S1 "
PLAIN_INTEGER = re.compile(rb"-?[0-9]{1,19}\Z")


class Rejections:
    """Counts the stored values that this process refused to read; the first is logged as a warning."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def note(self, error: UnreadableEntry) -> None:
        """Count one. Neither the value nor its key is logged: a session's key lets its reader in."""
        with self._lock:
            self.count += 1
            level = logging.WARNING if self.count == 1 else logging.DEBUG
        logger.log(level, "a cached value is not readable and counts as missing: %s", error)


rejections = Rejections()


class SignedPickle(BaseSerializer):  # type: ignore[misc]  # django-redis has no types
    """Signs what it pickles, and unpickles only what it signed. `key` is the full name that a value is stored
    under; without one the bytes are a member of a set or the like, which Redis itself may move between keys."""

    def dumps(self, value: object, key: str | None = None) -> bytes:
        """The stored form of `value`. Raises what pickle raises for a value that cannot be pickled."""
        payload = pickle.dumps(value, pickle.DEFAULT_PROTOCOL)
        return MAGIC + _mac(settings.SECRET_KEY, key, payload) + payload

    def loads(self, value: bytes, key: str | None = None) -> Any:  # noqa: ANN401  # whatever was stored
        """The value, once its signature is verified. Raises UnreadableEntry."""
        start = len(MAGIC) + MAC_SIZE
        payload = value[start:]
        if not value.startswith(MAGIC) or not _is_signed(value[len(MAGIC) : start], key, payload):
            raise UnreadableEntry("no valid signature for this key")
        try:
            return pickle.loads(payload)  # noqa: S301  # its signature was verified above
        except Exception as error:  # a class that this release no longer has may raise anything
            raise UnreadableEntry(f"cannot be unpickled any more: {type(error).__name__}") from error


def is_plain_integer(value: object) -> bool:
    """True for what is stored as digits, so that INCR works: an integer of 64 bits, and no bool."""
    return type(value) is int and -(2**63) <= value < 2**63


def plain_integer(data: bytes) -> int | None:
    """The integer that `data` spells, or None. Integers carry no signature: they cannot run code."""
    return int(data) if PLAIN_INTEGER.match(data) else None


def _is_signed(mac: bytes, key: str | None, payload: bytes) -> bool:
    """True when one of the site's secrets made `mac`; each is compared in constant time."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(hmac.compare_digest(mac, _mac(secret, key, payload)) for secret in secrets)


def _mac(secret: str | bytes, key: str | None, payload: bytes) -> bytes:
    if key is None:
        return hmac.digest(_derived(secret, b"member"), payload, "sha256")
    name = key.encode("utf-8", "surrogatepass")
    # The length in front says where the key ends and the value begins.
    message = b"".join((len(name).to_bytes(4, "big"), name, payload))
    return hmac.digest(_derived(secret, b"value"), message, "sha256")


@lru_cache(maxsize=16)
def _derived(secret: str | bytes, purpose: bytes) -> bytes:
    raw = secret.encode() if isinstance(secret, str) else bytes(secret)
    return hmac.digest(raw, LABEL + purpose, "sha256")
