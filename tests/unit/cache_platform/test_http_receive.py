"""HttpSource.receive: a body that is worked on while it arrives, as bounded as one that is read whole."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator

import httpx
import pytest

from cache_platform.exceptions import (
    SourceBackoff,
    SourceError,
    SourceMalformed,
    SourceRateLimited,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from cache_platform.http import Ask, HttpSource, SourceLimits
from cache_platform.outages import FAILURES
from tests.unit.provider_double import Clock, Pieces, answering

ASK = Ask("https://one.test/", method="POST", json={})
PACKED = gzip.compress(b"one two three" * 100)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source(clock: Clock) -> HttpSource:
    return HttpSource("Test source", lambda: "", limits=SourceLimits(max_bytes=10_000), clock=clock)


def received(source: HttpSource, response: httpx.Response | Exception) -> bytes:
    """The body, joined by who is given it."""
    with source.through(answering(response)):
        return source.receive(ASK, b"".join)


def test_pieces_are_given_as_they_arrive(source: HttpSource) -> None:
    """The second is not asked for before the first is used."""
    body = Pieces([b"one ", b"two"])
    seen: list[tuple[bytes, int]] = []

    def take(pieces: Iterator[bytes]) -> str:
        seen.extend((piece, body.sent) for piece in pieces)
        return "done"

    with source.through(answering(httpx.Response(200, stream=body))):
        assert source.receive(ASK, take) == "done"
    assert seen == [(b"one ", 1), (b"two", 2)]
    assert body.closed


def test_who_has_enough_may_stop(source: HttpSource) -> None:
    """Nothing more is read, and the answer is closed."""
    body = Pieces(itertools.repeat(b"again"))
    with source.through(answering(httpx.Response(200, stream=body))):
        assert source.receive(ASK, next) == b"again"
    assert body.sent == 1
    assert body.closed


def test_compressed_pieces_come_expanded(source: HttpSource) -> None:
    """However they are cut."""
    parts = [PACKED[:7], PACKED[7:]]
    response = httpx.Response(200, stream=Pieces(parts), headers={"Content-Encoding": "gzip"})
    assert received(source, response) == b"one two three" * 100


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (itertools.repeat(b" " * 1000), ""),
        ([gzip.compress(b" " * 100_000)], "gzip"),
        ([PACKED[:-9]], "gzip"),
        ([b"no gzip"], "gzip"),
        ([b"x"], "br"),
    ],
    ids=["endless", "bomb", "cut", "not gzip", "another coding"],
)
def test_what_cannot_be_read_is_malformed(source: HttpSource, body: Iterator[bytes], coding: str) -> None:
    """And never more than the bound."""
    stream = Pieces(body)
    with pytest.raises(SourceMalformed):
        received(source, httpx.Response(200, stream=stream, headers={"Content-Encoding": coding}))
    assert stream.sent <= 11
    assert stream.closed


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(302), SourceMalformed),
        (httpx.Response(401), SourceRefused),
        (httpx.Response(429), SourceRateLimited),
        (httpx.Response(500), SourceUnavailable),
        (httpx.ReadTimeout("slow"), SourceTimeout),
        (httpx.RemoteProtocolError("gone"), SourceUnavailable),
    ],
)
def test_another_answer_is_an_error(
    source: HttpSource, response: httpx.Response | Exception, kind: type[SourceError]
) -> None:
    """Its body is given to nobody."""
    with source.through(answering(response)), pytest.raises(kind):
        source.receive(ASK, lambda _pieces: pytest.fail("there is nothing to take"))


def test_a_connection_that_breaks_in_the_middle_is_an_error(source: HttpSource) -> None:
    """Translated, although it comes up through who takes the pieces."""

    def broken() -> Iterator[bytes]:
        yield b"one"
        raise httpx.ReadError("reset")

    with pytest.raises(SourceUnavailable):
        received(source, httpx.Response(200, stream=Pieces(broken())))


def test_a_body_that_drips_ends_at_the_deadline(source: HttpSource, clock: Clock) -> None:
    """However often a byte comes."""
    dripping = Pieces(itertools.repeat(b"x"), between=lambda: clock.advance(1.0))
    with pytest.raises(SourceTimeout):
        received(source, httpx.Response(200, stream=dripping))
    assert dripping.sent == 3


def test_what_is_wrong_with_the_answer_counts_against_the_source(source: HttpSource) -> None:
    """After a run of them it is left alone; who takes the pieces says what is wrong."""

    def take(pieces: Iterator[bytes]) -> None:
        raise SourceMalformed("Test source", next(pieces).decode())

    with source.through(answering(httpx.Response(200, content=b"nonsense"))):
        for _ in range(FAILURES):
            with pytest.raises(SourceMalformed, match="nonsense"):
                source.receive(ASK, take)
        with pytest.raises(SourceBackoff):
            source.receive(ASK, take)
