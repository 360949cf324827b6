"""Many requests at once over HTTP, each timed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Answer:
    """A response, and how long it took in seconds."""

    status: int
    body: Any
    headers: httpx.Headers
    seconds: float

    @property
    def cached(self) -> bool:
        """What the body says."""
        return bool(self.body["cached"])

    @property
    def cache_status(self) -> str:
        """The header."""
        return str(self.headers["cache-status"])


def get(client: httpx.Client, path: str, **params: Any) -> Answer:
    """One request."""
    started = time.monotonic()
    response = client.get(path, params=params)
    body = response.json() if response.content else None
    return Answer(response.status_code, body, response.headers, time.monotonic() - started)


def at_once(url: str, requests: int, path: str, **params: Any) -> list[Answer]:
    """`requests` requests that start together, each on a connection of its own."""
    barrier = threading.Barrier(requests)

    def ask() -> Answer:
        with httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False) as client:
            barrier.wait(30)
            return get(client, path, **params)

    with ThreadPoolExecutor(requests) as pool:
        return [future.result() for future in [pool.submit(ask) for _ in range(requests)]]


@contextmanager
def steady_load(url: str, clients: int, ask: Callable[[httpx.Client], Answer]) -> Iterator[list[Answer]]:
    """`clients` clients that ask without pause while the block runs; their answers are in the list."""
    answers: list[Answer] = []
    stop = threading.Event()

    def run() -> None:
        with httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False) as client:
            while not stop.is_set():
                answers.append(ask(client))

    with ThreadPoolExecutor(clients) as pool:
        futures = [pool.submit(run) for _ in range(clients)]
        try:
            yield answers
        finally:
            stop.set()
    for future in futures:
        future.result()
