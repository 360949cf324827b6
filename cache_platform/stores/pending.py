"""Tags whose bump failed because the server was away: bumped before this process reads from it again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable


class PendingBumps:
    """The tags of one process. As long as there are any, its lookups bump them first."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all; a forked child leaves them to its parent."""
        self._lock = threading.Lock()
        self._draining = threading.Lock()
        self._added: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._added)

    def add(self, tag_keys: Iterable[str]) -> None:
        """Have `tag_keys` bumped before the next lookup."""
        with self._lock:
            for name in tag_keys:
                self._added[name] = self._added.get(name, 0) + 1

    def drain(self, bump: Callable[[list[str]], None]) -> None:
        """Bump them now. What `bump` raises is raised, and then they are kept.

        Those who come while a drain is under way wait for its end, since they may not read under the old generations;
        a tag that is added again meanwhile stays, since the drain may have bumped it before that write.
        """
        with self._draining:
            with self._lock:
                waiting = dict(self._added)
            if not waiting:
                return
            bump(sorted(waiting))
            with self._lock:
                for name, times in waiting.items():
                    if self._added[name] == times:
                        del self._added[name]


pending = PendingBumps()
os.register_at_fork(after_in_child=pending.reset)
