"""One line in the log for each read and each invalidation: what came of it, whose it was, and how long it took.

    HIT accounts.profile cp:accounts.profile:user_id=42:1f0c2b7e 0.4 ms

The logger is `cache_platform.access`, the level INFO. Values never appear. Keys can neither reveal a secret parameter
nor forge a line: parameters stand in them percent-encoded, secret ones as HMACs.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from cache_platform.reads import Read

logger = logging.getLogger("cache_platform.access")

TAGS_SHOWN = 5
WORDS = {"hit": "HIT", "local": "HIT local", "stale": "STALE", "load": "MISS", "wait": "MISS collapsed"}


def started() -> float | None:
    """When a read began, for the other functions; None when nobody wants its line."""
    return time.perf_counter() if logger.isEnabledFor(logging.INFO) else None


def note(policy: str, key: str, read: Read[Any] | None, began: float | None) -> None:
    """The line of one read; None for a read that failed."""
    if began is not None:
        logger.info("%s %s %s %.1f ms", words(read), policy, key, _since(began))


def note_batch(policy: str, reads: Iterable[Read[Any] | None], began: float | None) -> None:
    """The one line of a batch, however large: how many reads came out how."""
    if began is not None:
        counts = Counter(words(read) for read in reads)
        shown = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
        logger.info("BATCH %s: %s %.1f ms", policy, shown or "nothing", _since(began))


def invalidated(tags: Collection[str], milliseconds: float) -> None:
    """The line of one invalidation: its first tags and how many more there are."""
    if logger.isEnabledFor(logging.INFO):
        shown = " ".join(islice(tags, TAGS_SHOWN))
        more = f" +{len(tags) - TAGS_SHOWN} more" if len(tags) > TAGS_SHOWN else ""
        logger.info("INVALIDATED %s%s %.1f ms", shown, more, milliseconds)


def words(read: Read[Any] | None) -> str:
    """What came of a read: HIT, MISS or STALE, and why where that is not plain. None for one that failed."""
    if read is None:
        return "MISS failed"
    return f"MISS bypass {read.detail}" if read.source == "bypass" else WORDS[read.source]


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
