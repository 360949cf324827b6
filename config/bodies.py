"""What a request's body may cost: bounded in size, and few at a time.

The web server hands a request over before its body has come, and waits for it in the request's thread for as long as
the client likes. Without a bound, some sixty clients that send a byte now and then would stop the site for everybody.
With it they stop at worst what needs a body; reads go on. A body is read before its request is handled, so that what
counts is only how long it takes to come: a hundred people may sign in at once, however long each password is checked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from django.http import HttpResponse

from cache_platform.rest.problems import problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

LARGEST_BODY = 2 * 1024 * 1024
BODIES_AT_ONCE = 12
"""Bodies that one process reads at a time."""
PATIENCE = 0.25
"""Seconds that a request waits for others' bodies; small ones come within milliseconds."""
IN_MEMORY = 64 * 1024
"""Bytes of a body beyond which it is kept in a temporary file."""


class BoundedBodies:
    """Around the site's application: 413 for a large body, 411 for one of unknown length, 503 for one too many."""

    def __init__(
        self, application: WSGIApplication, *, largest: int = LARGEST_BODY, at_once: int = BODIES_AT_ONCE
    ) -> None:
        self._application = application
        self._largest = largest
        self._slots = threading.BoundedSemaphore(at_once)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        length = str(environ.get("CONTENT_LENGTH") or "")
        if not length and not environ.get("HTTP_TRANSFER_ENCODING"):
            return self._application(environ, start_response)
        if not (length.isascii() and length.isdigit()):
            return _refused(problem(411, "Say how long the body is, in Content-Length."), start_response)
        if int(length[:12]) > self._largest:
            return _refused(problem(413, f"A body may have {self._largest} bytes at most."), start_response)
        if length.strip("0") == "":
            return self._application(environ, start_response)
        if not self._slots.acquire(timeout=PATIENCE):
            busy = problem(503, "Too many requests with a body are under way.", retry_after=2)
            return _refused(busy, start_response)
        try:
            body = _read(environ["wsgi.input"], int(length))
        finally:
            self._slots.release()
        if body is None:
            return _refused(problem(400, "The body ended before its Content-Length."), start_response)
        with body:  # the view has read what it wants of it when it returns
            return self._application({**environ, "wsgi.input": body}, start_response)


def _read(given: IO[bytes], length: int) -> IO[bytes] | None:
    """The body, whole; None when its client went away before that."""
    body = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  # closed by the caller
    left = length
    while left > 0:
        try:
            part = given.read(min(left, IN_MEMORY))
        except OSError:
            part = b""
        if not part:
            body.close()
            return None
        body.write(part)
        left -= len(part)
    body.seek(0)
    return body


def _refused(response: HttpResponse, start_response: StartResponse) -> Iterable[bytes]:
    headers = [*response.items(), ("Content-Length", str(len(response.content))), ("Connection", "close")]
    start_response(f"{response.status_code} {response.reason_phrase}", headers)
    return [response.content]
