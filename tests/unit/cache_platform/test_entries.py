"""Entries: what goes in comes out, and nothing that was planted runs or crashes."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from cache_platform import CachePolicy
from cache_platform.entries import Entry, Freshness, Times, decode, encode, freshness, parse, signature
from cache_platform.exceptions import UnreadableEntry

POLICY: CachePolicy[Any] = CachePolicy(name="a.b", schema=dict, ttl=60)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def entry(codec: str, body: bytes) -> Entry:
    """An entry with this body."""
    times = Times.starting(1_000, ttl=60, stale_for=10, refresh_ahead=0.1)
    return Entry(signature("d" * 8, "-", ["g1", "g2"]), times, codec, body)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), values), st.integers(0, 200))
def test_a_value_survives(value: dict[str, Any], threshold: int) -> None:
    """Encoded, dumped, parsed and decoded it is the same, compressed or not."""
    stored = parse(entry(*encode(value, compress_min_bytes=threshold)).dump())
    assert decode(POLICY, stored) == value


def test_not_found_is_an_entry() -> None:
    """None has a form of its own."""
    stored = parse(entry(*encode(None, compress_min_bytes=0)).dump())
    assert stored.not_found
    assert decode(POLICY, stored) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_an_entry_or_unreadable(blob: bytes) -> None:
    """A planted value is a miss, never another error."""
    try:
        decode(POLICY, parse(blob))
    except UnreadableEntry:
        return


@given(st.binary(max_size=100), st.sampled_from("mznxp"))
def test_any_body_is_a_value_or_unreadable(body: bytes, codec: str) -> None:
    """Also under a header that is right."""
    try:
        decode(POLICY, entry(codec, body))
    except UnreadableEntry:
        return


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return os._exit, (13,)


@pytest.mark.parametrize("codec", ["m", "z", "p"])
def test_a_planted_pickle_does_not_run(codec: str) -> None:
    """The test process would be gone."""
    with pytest.raises(UnreadableEntry):
        decode(POLICY, entry(codec, pickle.dumps(Bomb())))


def test_a_compressed_bomb_is_refused() -> None:
    """What says that it grows to a gigabyte is not expanded, nor what does not say."""
    huge = zstandard.ZstdCompressor().compress(b"\0" * (65 * 1024 * 1024))
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(b"\0" * 1000)
    for body in (huge, unsized):
        with pytest.raises(UnreadableEntry):
            decode(POLICY, entry("z", body))


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (0, Freshness.FRESH),
        (53.999, Freshness.FRESH),
        (54, Freshness.DUE),
        (59.999, Freshness.DUE),
        (60, Freshness.STALE),
        (69.999, Freshness.STALE),
        (70, Freshness.EXPIRED),
    ],
)
def test_freshness_over_a_life(second: float, expected: Freshness) -> None:
    """Fresh, due, stale, expired, with each border on the later side."""
    times = Times.starting(0, ttl=60, stale_for=10, refresh_ahead=0.1)
    assert freshness(times, int(second * 1000)) is expected
