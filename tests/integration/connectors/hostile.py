"""A platform that means ill: a small server on loopback that answers whatever a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

PIECE = 65_536


@dataclass(frozen=True)
class Reply:
    """One answer. `body` may be endless; what nobody reads any more is not sent."""

    body: bytes | Callable[[], Iterator[bytes]] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def as_json(value: object, status: int = 200) -> Reply:
    """An answer of JSON; a text is taken as it is."""
    body = value if isinstance(value, str) else json.dumps(value)
    return Reply(body.encode(), status, {"Content-Type": "application/json"})


class Hostile:
    """Answers POST `/oauth/…/token` with `token`, and the rest with `profile`. `asked` is what came, in order. Use as a
    context manager."""

    def __init__(self) -> None:
        self.token = as_json({"error": "invalid_grant"}, 400)
        self.profile = as_json({"id": "1", "display_name": "One", "name": "One"})
        self.asked: list[str] = []
        self.over = threading.Event()

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def silence(self) -> Iterator[bytes]:
        """A body that begins and never goes on."""
        self.over.wait(60)
        yield b""

    def drip(self) -> Iterator[bytes]:
        """A body of which a byte comes now and then."""
        while not self.over.wait(0.1):
            yield b" "

    def flood(self) -> Iterator[bytes]:
        """A body of 50 MB."""
        for _ in range(50_000_000 // PIECE):
            yield b"x" * PIECE


def _handler(hostile: Hostile) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # the end of the connection is the end of the body

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.answer(hostile.token if self.path.endswith("/token") else Reply())

        def do_GET(self) -> None:
            self.answer(hostile.profile)

        def answer(self, reply: Reply) -> None:
            hostile.asked.append(f"{self.command} {self.path}")
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in reply.body() if callable(reply.body) else [reply.body]:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass  # the site has hung up, as it should

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
