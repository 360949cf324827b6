"""The body of a source's answer, piece by piece: in time, within a bound, decompressed."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from cache_platform.deadlines import Deadline
from cache_platform.exceptions import SourceMalformed, SourceTimeout
from cache_platform.gunzip import Gunzip


def pieces_of(
    chunks: Iterable[bytes], *, coding: str, source: str, deadline: Deadline, max_bytes: int
) -> Iterator[bytes]:
    """The body as it arrives in `chunks`. `coding` is its Content-Encoding: it is decompressed here because httpx
    expands each chunk whole before anyone can count it. Raises SourceTimeout after the deadline, and SourceMalformed
    when there is more than `max_bytes`, before or after decompression, or a compressed body is cut off.
    """
    unpack = _unpacker(coding, source)
    received = expanded = 0
    for chunk in chunks:
        if deadline.remaining() <= 0:
            raise SourceTimeout(source, "the answer was not complete in time")
        received += len(chunk)
        try:
            piece = unpack.some(chunk, max_bytes + 1 - expanded) if unpack else chunk
        except zlib.error as error:
            raise SourceMalformed(source, "the answer cannot be decompressed") from error
        expanded += len(piece)
        if max(received, expanded) > max_bytes:
            raise SourceMalformed(source, f"the answer is larger than {max_bytes} bytes")
        yield piece
    if unpack and not unpack.complete:
        raise SourceMalformed(source, "the compressed answer is cut off")


def _unpacker(coding: str, source: str) -> Gunzip | None:
    coding = coding.strip().lower()
    if coding in {"", "identity"}:
        return None
    if coding in {"gzip", "x-gzip"}:
        return Gunzip()
    raise SourceMalformed(source, "the answer is compressed in a way that was not asked for")
