"""Readers in threads, for tests of what happens at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


def in_thread(call: Callable[[], Any]) -> Future[Any]:
    """Run `call` in a thread of its own; its result or error is in the future."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def result(future: Future[Any]) -> Any:
    """The future's result; a thread that hangs fails the test."""
    return future.result(timeout=20)
