"""Whether a load brought what the one before it brought: what tells of a TTL that is shorter than it need be."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict

from cache_platform.entries import Entry

MOST_REMEMBERED = 4096


class Changes:
    """What this process loaded last under each key, as digests. Bounded; the key that was loaded longest ago goes
    first."""

    def __init__(self, *, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._lock = threading.Lock()
        self._digests: OrderedDict[str, bytes] = OrderedDict()

    def counted(self, key: str, entry: Entry) -> dict[str, int]:
        """The counters that a load of `entry` adds to; none when nothing is remembered under its key."""
        digest = hashlib.blake2b(entry.codec.encode() + entry.body, digest_size=8).digest()
        with self._lock:
            before = self._digests.pop(key, None)
            self._digests[key] = digest
            if len(self._digests) > self._most:
                self._digests.popitem(last=False)
        if before is None:
            return {}
        return {"loads_compared": 1, **({"loads_unchanged": 1} if before == digest else {})}


changes = Changes()
os.register_at_fork(after_in_child=changes.reset)
