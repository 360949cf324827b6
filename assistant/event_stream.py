"""Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html, without retry and ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

CONTENT_TYPE = "text/event-stream"
HEARTBEAT = b": \n\n"
"""A comment, by which a connection lives on, and one that is gone is noticed."""


def event(name: str, data: object) -> bytes:
    """An event whose data is JSON, which has no line ends of its own."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def data_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The data of each event in a stream that arrives in `pieces`. What its end cuts off is no event."""
    data: list[bytes] = []
    for line in _lines(pieces):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            yield b"\n".join(data)
            data = []


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines; those of a source that drips are joined once, not with every piece."""
    begun: list[bytes] = []
    for piece in pieces:
        first, *others = piece.split(b"\n")
        begun.append(first)
        for other in others:
            yield b"".join(begun).removesuffix(b"\r")
            begun = [other]
