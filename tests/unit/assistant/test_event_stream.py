"""Server-sent events, written and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.event_stream import HEARTBEAT, data_of, event


def test_an_event_is_written_in_one_line_of_data() -> None:
    """Line ends in what is said are JSON's own."""
    assert event("delta", {"text": "a\nb"}) == b'event: delta\ndata: {"text":"a\\nb"}\n\n'


def test_what_is_written_is_read() -> None:
    """A heartbeat says nothing."""
    assert list(data_of([event("delta", 1), HEARTBEAT, event("done", "é")])) == [b"1", '"é"'.encode()]


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"data: one\n\ndata: two\n\n", [b"one", b"two"]),
        (b"data: one\r\n\r\n", [b"one"]),
        (b"data:one\n\n", [b"one"]),
        (b"data:  one\n\n", [b" one"]),
        (b"data: one\ndata: two\n\n", [b"one\ntwo"]),
        (b": a comment\nid: 7\nretry: 10\nevent: x\ndata: one\n\n", [b"one"]),
        (b"\n\n\n", []),
        (b"event: x\n\n", []),
        (b"data: one\n\ndata: two\n", [b"one"]),
        (b"data: one\n\ndata: tw", [b"one"]),
        (b"<!doctype html>", []),
        (b"", []),
    ],
)
def test_streams_are_read_as_the_standard_says(stream: bytes, found: list[bytes]) -> None:
    """What the end cuts off is no event."""
    assert list(data_of([stream])) == found


@given(st.lists(st.integers(1, 5)), st.sampled_from([b"\n", b"\r\n"]))
def test_it_does_not_matter_how_a_stream_is_cut_into_pieces(sizes: list[int], end: bytes) -> None:
    """Also between the two letters of a line's end."""
    stream = end.join([b"event: x", b"data: one", b"data: two", b"", b": c", b"data: three", b"", b""])
    pieces = []
    for size in sizes:
        pieces.append(stream[:size])
        stream = stream[size:]
    assert list(data_of([*pieces, stream])) == [b"one\ntwo", b"three"]
