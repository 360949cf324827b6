"""What the scripts are called with, and what their answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cache_platform import keys
from cache_platform.conf import conf
from cache_platform.stores.base import LONGEST_BACKOFF_MS, Found, Lease, Log, Lookup, Taken
from cache_platform.stores.trust import MARK_LASTS

Call = tuple[list[str], list[Any]]
"""The KEYS and ARGV of one call of a script."""
UNGUARDED = 2
"""What `take` answers when its guard is not good."""


def lookup_call(wish: Lookup, fresh: str) -> Call:
    """A call of `lookup`; `fresh` is what missing generations are made of."""
    return (
        [wish.address.key, wish.address.lease_key, keys.epoch_key(), *wish.address.tag_keys],
        [
            wish.address.digest,
            int(wish.strict),
            fresh,
            wish.tag_ms,
            wish.token,
            wish.lease_ms,
            LONGEST_BACKOFF_MS,
            round(MARK_LASTS * 1000),
        ],
    )


def glance_call(wish: Lookup) -> Call:
    """A call of `glance`."""
    names = [wish.address.key, keys.epoch_key(), *wish.address.tag_keys]
    return names, [wish.address.digest, int(wish.strict), round(MARK_LASTS * 1000)]


def glanced(answer: list[Any] | None) -> Found | None:
    """What `glance` answered; None for an entry that is not fresh beyond doubt."""
    if answer is None:
        return None
    now, signature, blob, believed = answer
    return Found(
        now=now,
        signature=signature.decode(),
        held=False,
        blob=blob,
        superseded=False,
        lease=Lease.NONE,
        believed=bool(believed),
    )


def take_call(logs: Sequence[Log], member: str, guard: Lookup | None = None) -> Call:
    """A call of `take`."""
    names, digest, strict, lasts = [log.key for log in logs], "", 0, 0
    if guard is not None:
        names += [guard.address.key, keys.epoch_key(), *guard.address.tag_keys]
        digest, strict = guard.address.digest, int(guard.strict)
        lasts = 0 if conf.outbox_databases == [] else round(MARK_LASTS * 1000)
    limits = [number for log in logs for number in (log.limit, log.window_ms, int(log.shadow))]
    return names, [member, len(logs), digest, strict, lasts, *limits]


def taken_of(answer: list[int]) -> Taken | None:
    """What `take` answered; None when its guard is not good."""
    allowed, *rest = answer
    if allowed == UNGUARDED:
        return None
    return Taken(allowed=allowed == 1, counts=tuple(rest[::2]), waits_ms=tuple(rest[1::2]))


def found_of(answer: list[Any]) -> Found:
    """What `lookup` answered."""
    now, signature, held, blob, superseded, lease, lease_ms, failures, believed = answer
    return Found(
        now=now,
        signature=signature.decode(),
        held=bool(held),
        blob=blob or None,
        superseded=bool(superseded),
        lease=Lease(lease.decode()),
        lease_ms=max(lease_ms, 0),
        failures=failures,
        believed=bool(believed),
    )
