"""Decompression that never expands further than it is told: a kilobyte of gzip can hold a megabyte of spaces."""

from __future__ import annotations

import zlib


class Gunzip:
    """gzip (RFC 1952), piece by piece."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    @property
    def complete(self) -> bool:
        """Whether the end of the compressed data has come, with the right checksum."""
        return self._stream.eof

    def some(self, chunk: bytes, room: int) -> bytes:
        """At most `room` (> 0) bytes; when it is filled there may be more, which are lost. Raises zlib.error."""
        return self._stream.decompress(chunk, room)
