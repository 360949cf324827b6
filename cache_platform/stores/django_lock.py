"""The lock that `cache.lock()` gives: redis-py's, asked through the breaker, and never thought to be held in doubt."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from redis import Redis
from redis.exceptions import LockError
from redis.lock import Lock

from cache_platform.exceptions import StoreFull, StoreUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")
AWAY = (StoreUnavailable, StoreFull)


class GuardedLock(Lock):
    """While Redis is away `acquire` answers False at once, also when it may block, and `with` raises LockError."""

    def __init__(self, redis: Redis, name: str, ask: Callable[[Callable[[Redis], Any]], Any], **options: Any) -> None:
        super().__init__(redis, name, **options)
        self._ask = ask

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        """True once this lock is held. Each attempt is one question, so waiting does not look like a slow server."""
        try:
            return bool(super().acquire(*args, **kwargs))
        except AWAY:
            return False

    def do_acquire(self, token: str) -> bool:
        """One attempt."""
        attempt = super().do_acquire
        return bool(self._ask(lambda _redis: attempt(token)))

    def locked(self) -> bool:
        """True when somebody is known to hold it."""
        known = super().locked
        return self._answer(known)

    def owned(self) -> bool:
        """True when this lock is known to hold it."""
        known = super().owned
        return self._answer(known)

    def _answer(self, question: Callable[[], bool]) -> bool:
        try:
            return bool(self._ask(lambda _redis: question()))
        except AWAY:
            return False

    def do_release(self, expected_token: str) -> None:
        """Let go. While Redis is away the lock ends by its timeout; one that was lost already raises LockError."""
        let_go = super().do_release
        try:
            self._ask(lambda _redis: let_go(expected_token))
        except AWAY as error:
            logger.warning("a lock was not let go and ends by its timeout: %s", error)

    def do_extend(self, additional_time: float, replace_ttl: bool) -> Literal[True]:
        """See redis-py. Raises LockError while Redis is away."""
        extend = super().do_extend
        return self._confirmed(lambda: extend(additional_time, replace_ttl))

    def do_reacquire(self) -> Literal[True]:
        """See redis-py. Raises LockError while Redis is away."""
        return self._confirmed(super().do_reacquire)

    def _confirmed(self, change: Callable[[], Literal[True]]) -> Literal[True]:
        try:
            self._ask(lambda _redis: change())
        except AWAY as error:
            raise LockError("the lock could not be prolonged: Redis is away") from error
        return True
