"""One deadline for a whole exchange with a source: connecting, TLS, headers, body.

Timeouts of HTTP clients start again with every byte that arrives, so a peer that drips keeps a thread for hours.
Here the socket operations themselves are cut to what is left until the deadline.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore

_enforced: ContextVar[Deadline | None] = ContextVar("enforced_deadline", default=None)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of `clock` (seconds, monotonic) after which nothing is waited for any more."""

    at: float
    clock: Callable[[], float]

    @classmethod
    def after(cls, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """The deadline `seconds` from now."""
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - self.clock())

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Within this block, in this thread, sockets of DeadlineBackend wait no longer than what remains."""
        token = _enforced.set(self)
        try:
            yield
        finally:
            _enforced.reset(token)


def _cut(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    """`timeout`, cut to the enforced deadline. Raises `error` when that has passed."""
    deadline = _enforced.get()
    if deadline is None:
        return timeout
    left = deadline.remaining()
    if left <= 0:
        raise error("the deadline has passed")
    return left if timeout is None else min(timeout, left)


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose reads and writes obey the deadline enforced in the thread that uses it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _cut(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _cut(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _cut(timeout, httpcore.ConnectTimeout)
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the signature of httpcore
        return self._stream.get_extra_info(info)


class DeadlineBackend(httpcore.NetworkBackend):
    """httpcore's network, with every wait cut to the deadline. Resolving a name is the system's and is not cut."""

    def __init__(self, backend: httpcore.NetworkBackend | None = None) -> None:
        self._backend = backend or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Tries the host's addresses in turn, all of them within the deadline."""
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in _addresses(host, port):
            left = _cut(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._backend.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return DeadlineStream(stream)
        raise failure or httpcore.ConnectError("the host has no address")


def _addresses(host: str, port: int) -> list[str]:
    """The host's addresses in the system's order, each once."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError("the host's name cannot be resolved") from error
    return list(dict.fromkeys(str(address[4][0]) for address in found))
