"""A bounded pool for loads that no reader waits for: refreshes ahead, and loads slower than `soft_timeout`."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

from cache_platform.conf import conf

T = TypeVar("T")


class Background:
    """Threads of this process; a job that finds no free thread is refused rather than queued."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start anew, after a fork."""
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._running = 0

    def submit(self, job: Callable[[], T]) -> Future[T] | None:
        """The job's future; None when all threads are busy."""
        with self._lock:
            if self._running >= conf.background_loads:
                return None
            self._running += 1
            if self._pool is None:
                self._pool = ThreadPoolExecutor(conf.background_loads, thread_name_prefix="cache-load")
            pool = self._pool
        context = contextvars.copy_context()
        try:
            return pool.submit(self._run, context, job)
        except RuntimeError:  # no more threads, or the process is ending
            with self._lock:
                self._running -= 1
            return None

    def _run(self, context: contextvars.Context, job: Callable[[], T]) -> T:
        try:
            return context.run(job)
        finally:
            connections.close_all()  # this thread's own; a pool thread has no request to close them
            with self._lock:
                self._running -= 1


background = Background()
os.register_at_fork(after_in_child=background.reset)
