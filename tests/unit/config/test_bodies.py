"""Bodies are read before their requests are handled, and few at a time."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from config import bodies
from config.bodies import IN_MEMORY, BoundedBodies


class Slow(io.BytesIO):
    """A client that stops in the middle of its body until it is told to go on."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.asked, self.go = threading.Event(), threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        """Wait before each part."""
        self.asked.set()
        assert self.go.wait(10)
        return super().read(size)


class Gone(io.BytesIO):
    """A client whose connection broke."""

    def read(self, size: int | None = -1) -> bytes:  # io's signature
        """Fail as the server's input does."""
        raise ConnectionResetError


def asked(application: BoundedBodies, body: io.BytesIO, *, length: int | None = None) -> tuple[str, bytes]:
    """The status and the body of the answer to a request with `body`."""
    statuses: list[str] = []
    size = len(body.getvalue()) if length is None else length
    environ: dict[str, Any] = {"CONTENT_LENGTH": str(size), "wsgi.input": body}
    parts = application(environ, lambda status, _headers: statuses.append(status))  # type: ignore[arg-type, return-value]
    return statuses[0], b"".join(parts)


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with what came."""
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


@pytest.mark.parametrize("size", [1, IN_MEMORY - 1, IN_MEMORY, 5 * IN_MEMORY + 3])
def test_the_body_comes_through_whole(size: int) -> None:
    """In memory or in a file."""
    content = bytes(range(256)) * (size // 256 + 1)
    assert asked(BoundedBodies(echo), io.BytesIO(content[:size])) == ("200 OK", content[:size])


@pytest.mark.parametrize("body", [io.BytesIO(b"short"), Gone(b"gone!")])
def test_a_body_that_ends_early_is_refused(body: io.BytesIO) -> None:
    """The view never sees half of one; and its slot is free again."""
    application = BoundedBodies(echo, at_once=1)
    assert asked(application, body, length=10)[0] == "400 Bad Request"
    assert asked(application, io.BytesIO(b"whole"))[0] == "200 OK"


def test_a_request_that_is_being_handled_takes_no_slot() -> None:
    """Only what is still coming counts: many may be handled at once, however long that takes."""
    inside, go = threading.Semaphore(0), threading.Event()

    def slow(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        inside.release()
        assert go.wait(10)
        return echo(environ, start_response)

    application, answers = BoundedBodies(slow, at_once=1), []
    threads = [threading.Thread(target=lambda: answers.append(asked(application, io.BytesIO(b"a")))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=10), "a request waits for another one's handling"
    go.set()
    for thread in threads:
        thread.join(10)
    assert answers == [("200 OK", b"a")] * 5


def test_one_too_many_that_are_still_coming_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a short patience; and let in once the other has come."""
    monkeypatch.setattr(bodies, "PATIENCE", 0.01)
    application, body = BoundedBodies(echo, at_once=1), Slow(b"late")
    first = threading.Thread(target=lambda: asked(application, body))
    first.start()
    assert body.asked.wait(10)
    assert asked(application, io.BytesIO(b"second"))[0] == "503 Service Unavailable"
    body.go.set()
    first.join(10)
    assert asked(application, io.BytesIO(b"second"))[0] == "200 OK"
