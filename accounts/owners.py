"""Whose a key is, remembered by this process. It never changes, so it needs no invalidation; whether the key is still
valid is read every time."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass

MOST_OWNERS = 10_000


@dataclass(frozen=True, slots=True)
class Owner:
    """The row of a key, and the user whom it belongs to."""

    key_id: int
    user_id: int


class Owners:
    """Owners by the digests of their keys; the one that was longest not asked for makes room."""

    def __init__(self, most: int = MOST_OWNERS) -> None:
        self._most = most
        self.reset()

    def reset(self) -> None:
        """Forget all; for forked children and for tests."""
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, Owner] = OrderedDict()

    def __len__(self) -> int:
        return len(self._owners)

    def get(self, digest: str) -> Owner | None:
        """The owner of the key with that digest, if this process knows."""
        with self._lock:
            owner = self._owners.get(digest)
            if owner is not None:
                self._owners.move_to_end(digest)
            return owner

    def keep(self, digest: str, owner: Owner) -> None:
        """Remember an owner."""
        with self._lock:
            self._owners[digest] = owner
            self._owners.move_to_end(digest)
            if len(self._owners) > self._most:
                self._owners.popitem(last=False)


owners = Owners()
os.register_at_fork(after_in_child=owners.reset)
