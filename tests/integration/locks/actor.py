"""A process of the site that holds locks as it is told, a line of JSON at a time.

Run as `python -m tests.integration.locks.actor`. It answers each line with one of its own: `{"do": "acquire", …}`,
`release`, `look`, `fence`, `write`, `count`, `fork`, `read`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django

WORK = 0.02
"""Seconds between reading and writing, in which another one may get the lock."""


def main() -> None:
    """Answer until the input ends."""
    django.setup()
    from django.conf import settings

    # A busy machine is not an outage.
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "SLOW_AFTER": 5}
    actor = Actor()
    say(ready=True)
    for line in sys.stdin:
        order = json.loads(line)
        say(**getattr(actor, order.pop("do"))(**order))


def say(**answer: Any) -> None:
    """To the test."""
    print(json.dumps(answer), flush=True)


def value() -> int:
    """What has been counted."""
    return int(ask("SELECT value FROM lock_counter"))


def ask(statement: str, *values: object) -> Any:
    """The first column of the first row, if it gives any."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0] if cursor.description else None


class Actor:
    """What it can be told."""

    def acquire(self, name: str, timeout: float, wait: float = 0) -> dict[str, Any]:
        """Try to get it."""
        from cache_platform import DistributedLock

        self.lock = DistributedLock(name, timeout=timeout, wait=wait)
        began = time.monotonic()
        return {"had": self.lock.acquire(), "backend": self.lock.backend, "seconds": time.monotonic() - began}

    def release(self) -> dict[str, Any]:
        """Let it go."""
        return {"held": self.lock.release()}

    def look(self) -> dict[str, Any]:
        """What the lock says."""
        return {"lost": self.lock.lost, "backend": self.lock.backend}

    def fence(self) -> dict[str, Any]:
        """Its number."""
        return refusal(lambda: self.lock.fence)

    def write(self, text: str, pause: str = "") -> dict[str, Any]:
        """A guarded write; `pause` at a step until the next line: `number` (just taken) or `guard` (about to ask)."""
        from django.db import transaction

        from cache_platform import fences

        if pause:
            place = {"number": "next_number", "guard": "guard"}[pause]
            real: Callable[..., Any] = getattr(fences, place)

            def paused(*args: Any, **kwargs: Any) -> Any:
                found = real(*args, **kwargs) if pause == "number" else None
                say(paused=True)
                sys.stdin.readline()
                return found if pause == "number" else real(*args, **kwargs)

            setattr(fences, place, paused)

        def written() -> str:
            with transaction.atomic():
                self.lock.guard()
                ask("UPDATE lock_counter SET text = %s", text)
            return text

        return refusal(written)

    def count(self, name: str, times: int, guarded: bool, timeout: float, wait: float) -> dict[str, Any]:
        """Add 1, so many times."""
        from cache_platform import DistributedLock, LockLost, LockNotAcquired

        refused, backends = 0, set()
        while times:
            try:
                with DistributedLock(name, timeout=timeout, wait=wait) as lock:
                    backends.add(lock.backend)
                    (add_guarded if guarded else add)(lock)
                    times -= 1
            except (LockNotAcquired, LockLost):
                refused += 1
        return {"refused": refused, "backends": sorted(backends)}

    def read(self) -> dict[str, Any]:
        """Use Redis without any lock; whether this process thinks that it is away."""
        from django.core.cache import cache

        from cache_platform.conf import conf
        from cache_platform.stores.connection import get_breaker

        cache.get("anything")
        return {"away": get_breaker(conf.state_alias).is_open}

    def fork(self) -> dict[str, Any]:
        """What a forked child makes of the lock; it ends with the block in which it was taken."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            found = {"lost": self.lock.lost, "held": self.lock.release(), **refusal(lambda: self.lock.fence)}
            os.write(writer, json.dumps(found).encode())
            os._exit(0)
        os.waitpid(child, 0)
        found: dict[str, Any] = json.loads(os.read(reader, 10_000))
        os.close(reader)
        os.close(writer)
        return found


def add(_lock: Any, *, work: float = 0) -> None:
    """Read, work, and write what follows; outside any transaction."""
    seen = value()
    time.sleep(work)
    ask("UPDATE lock_counter SET value = %s", seen + 1)


def add_guarded(lock: Any) -> None:
    """The same behind the guard; what one goes by is read behind it, too."""
    from django.db import transaction

    with transaction.atomic():
        lock.guard()
        add(lock, work=WORK)


def refusal(work: Callable[[], Any]) -> dict[str, Any]:
    """What came of it, or the name of the error."""
    from cache_platform import LockLost

    try:
        return {"value": work()}
    except LockLost as error:
        return {"error": type(error).__name__, "text": str(error)}


if __name__ == "__main__":
    main()
