"""The newest loads of each policy, failed ones too: what was loaded, when, how long it took, what went wrong.

Never what was loaded. They are noted in the process and go to the store with its counters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from cache_platform.conf import conf
from cache_platform.exceptions import SourceError
from cache_platform.policies import CachePolicy, registry
from cache_platform.statistics import counters
from cache_platform.stores import get_store
from cache_platform.stores.memory import wall_clock_ms

LONGEST_ERROR = 200
LATEST = 10**11
"""Seconds since 1970, in the year 5138: a later time is no calendar's."""
LARGEST = 2**63
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Recent:
    """A load. `at` is when it ended, in seconds since 1970; `key` the entry's, without the prefix; `bytes` how large
    the encoded value was, None for a load that failed with `error`."""

    at: float
    key: str
    milliseconds: float
    bytes: int | None
    error: str | None


_decoder = msgspec.json.Decoder(Recent)


def note(policy: CachePolicy[Any], key: str, milliseconds: float, outcome: int | Exception) -> None:
    """Note a load of the entry under `key` and its outcome: the bytes that it brought, or what it raised."""
    recent = Recent(
        at=wall_clock_ms() / 1000,
        key=key.removeprefix(f"{conf.prefix}:"),
        milliseconds=round(milliseconds, 1),
        bytes=None if isinstance(outcome, Exception) else outcome,
        error=_said(policy, outcome) if isinstance(outcome, Exception) else None,
    )
    counters.note_load(policy.name, msgspec.json.encode(recent))


def read(policy_name: str) -> list[Recent]:
    """The newest loads of a policy by all processes, this one's included, the newest first; 50 at the most, none that
    is older than the newest by more than it takes 50 to come.

    Raises UnknownPolicy, and StoreUnavailable when the store is away.
    """
    name = registry.get(policy_name).name
    counters.send()
    found = [recent for text in get_store().read_loads(name) if (recent := _decoded(text)) is not None]
    return sorted(found, key=lambda recent: recent.at, reverse=True)


def _said(policy: CachePolicy[Any], error: Exception) -> str:
    """The error's class. Its text too where that is the platform's own, which names no value; of a private policy only
    as far as it is not in the source's words, who may repeat what it was asked."""
    name = type(error).__name__
    if not isinstance(error, SourceError):
        return name
    detail = error.detail if policy.audience == "public" else error.detail.partition(":")[0]
    return f"{name}: {error.source}: {detail}"[:LONGEST_ERROR]


def _decoded(text: bytes) -> Recent | None:
    try:
        recent = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):  # not written by us
        return None
    return recent if 0 <= recent.at < LATEST and 0 <= (recent.bytes or 0) < LARGEST else None
