"""The stored form of a value.

An entry is three parts separated by line feeds: the signature, the times, and the body.

    E1 <digest of the tag list> <epoch or -> <generation> <generation> ...
    <loaded> <refresh> <fresh until> <kept until> <codec>
    <body>

The signature is all that must be equal for the entry to be valid, so a store compares it as one string. Times are
milliseconds by the store's clock. The codec is `m` (MessagePack), `z` (MessagePack, compressed with zstandard) or
`n` ("not found", no body). Never pickle: whoever can write to Redis must not be able to run code here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import msgspec
import zstandard

from cache_platform.conf import MAX_TTL
from cache_platform.exceptions import UnreadableEntry
from cache_platform.policies import CachePolicy, T

MAGIC = "E1"
LARGEST_BODY = 64 * 1024 * 1024
"""What a compressed body may grow to: a planted one must not fill the memory."""
LONGEST_TIME = 15
"""Digits of a time in milliseconds; enough until the year 33658."""


def signature(digest: str, epoch: str, generations: list[str]) -> str:
    """The signature of an entry; `epoch` is `-` for relaxed policies, which outlive a restart of the server."""
    return " ".join([MAGIC, digest, epoch, *generations])


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """An entry's times in milliseconds by the store's clock."""

    loaded: int
    refresh: int
    fresh_until: int
    kept_until: int

    @classmethod
    def starting(cls, loaded: int, *, ttl: float, stale_for: float, refresh_ahead: float) -> Times:
        """The times of an entry whose load began at `loaded`; the other arguments as in CachePolicy."""
        life = int(ttl * 1000)
        fresh_until = loaded + life
        return cls(
            loaded=loaded,
            refresh=fresh_until - int(life * refresh_ahead),
            fresh_until=fresh_until,
            kept_until=fresh_until + int(stale_for * 1000),
        )

    def shifted(self, milliseconds: int) -> Times:
        """The same times by a clock that is ahead by so much."""
        return Times(
            loaded=self.loaded + milliseconds,
            refresh=self.refresh + milliseconds,
            fresh_until=self.fresh_until + milliseconds,
            kept_until=self.kept_until + milliseconds,
        )


class Freshness(enum.Enum):
    """What an entry's times say of it; whether it is superseded is the signature's matter."""

    FRESH = "fresh"
    DUE = "due"
    """Still fresh, and near enough to its end to be refreshed ahead."""
    STALE = "stale"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is stored, its body not decoded yet."""

    signature: str
    times: Times
    codec: str
    body: bytes

    @property
    def not_found(self) -> bool:
        """True when the entry says that its source has no such thing."""
        return self.codec == "n"

    def dump(self) -> bytes:
        """The bytes that a store keeps."""
        times = self.times
        head = f"{self.signature}\n{times.loaded} {times.refresh} {times.fresh_until} {times.kept_until} {self.codec}\n"
        return head.encode() + self.body


def freshness(times: Times, now: int) -> Freshness:
    """What `times` say at `now`, in milliseconds by the same clock."""
    if now < times.refresh:
        return Freshness.FRESH
    if now < times.fresh_until:
        return Freshness.DUE
    return Freshness.STALE if now < times.kept_until else Freshness.EXPIRED


def parse(blob: bytes) -> Entry:
    """The entry in `blob`. Raises UnreadableEntry."""
    try:
        head, times, body = blob.split(b"\n", 2)
        *moments, codec = times.split(b" ")
        loaded, refresh, fresh_until, kept_until = (_milliseconds(moment) for moment in moments)
        if not loaded <= refresh <= fresh_until <= kept_until or fresh_until - loaded > MAX_TTL * 1000:
            raise ValueError("its times make no sense")
        read = Times(loaded=loaded, refresh=refresh, fresh_until=fresh_until, kept_until=kept_until)
        return Entry(head.decode("ascii"), read, codec.decode("ascii"), body)
    except (ValueError, UnicodeDecodeError) as error:
        raise UnreadableEntry(f"not an entry: {error}") from error


def _milliseconds(text: bytes) -> int:
    if len(text) > LONGEST_TIME or not text.isdigit():
        raise ValueError("a time is not one")
    return int(text)


def encode(value: object, *, compress_min_bytes: int) -> tuple[str, bytes]:
    """The codec and body of `value`; None is "not found"."""
    if value is None:
        return "n", b""
    body = msgspec.msgpack.encode(value)
    if len(body) < compress_min_bytes:
        return "m", body
    packed = zstandard.ZstdCompressor(level=1).compress(body)
    return ("z", packed) if len(packed) < len(body) else ("m", body)


def decode(policy: CachePolicy[T], entry: Entry) -> T | None:
    """The value of `entry`, checked against the policy's schema; None for "not found". Raises UnreadableEntry."""
    if entry.not_found:
        return None
    try:
        return policy.decoder.decode(_unpacked(entry))
    except (msgspec.DecodeError, zstandard.ZstdError, ValueError, RecursionError, MemoryError) as error:
        raise UnreadableEntry(f"{policy.name}: {error}") from error


def _unpacked(entry: Entry) -> Any:  # noqa: ANN401  # bytes-like
    if entry.codec == "m":
        return entry.body
    if entry.codec == "z":
        if zstandard.frame_content_size(entry.body) not in range(LARGEST_BODY):
            raise UnreadableEntry("compressed body of unknown or excessive size")
        return zstandard.ZstdDecompressor().decompress(entry.body)
    raise UnreadableEntry(f"unknown codec {entry.codec!r}")
