"""Doubles for providers: answers through httpx.MockTransport, and bodies that arrive in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import httpx


class Clock:
    """A monotonic clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class Pieces(httpx.SyncByteStream):
    """A body in pieces; `between` runs before each of them."""

    def __init__(self, pieces: Iterable[bytes], *, between: Callable[[], None] = lambda: None) -> None:
        self.pieces = pieces
        self.between = between
        self.sent = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.between()
            self.sent += 1
            yield piece

    def close(self) -> None:
        self.closed = True


def answering(
    response: httpx.Response | Exception, *, requests: list[httpx.Request] | None = None
) -> httpx.MockTransport:
    """A transport that gives `response` (or raises it) to every request, and notes the requests."""

    def handle(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        if isinstance(response, Exception):
            raise response
        return response

    return httpx.MockTransport(handle)
