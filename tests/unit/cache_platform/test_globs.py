"""Globs of a store without Redis: the same as Redis's, and never slow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cache_platform.stores.globs import Glob


@pytest.mark.parametrize(
    ("glob", "key", "matched"),
    [
        ("", "", True), ("", "a", False), ("*", "", True), ("**", "ab", True), ("a*", "a", True), ("a*a", "a", False),
        ("a*a", "aa", True), ("*ab*b", "aabb", True), ("*ab*b", "aab", False), ("a?c*", "abcd", True),
        ("*a*b", "xaxb", True), ("*a*b", "xaxbx", False), (r"\*", "*", True), (r"\*", "a", False), ("\\", "\\", True),
        ("*[ab]c", "xbc", True), ("*[^ab]c", "xbc", False), ("a*\n", "a\n\n", True),
    ],
)  # fmt: skip
def test_what_a_glob_matches(glob: str, key: str, matched: bool) -> None:
    """The whole key, stars also where nothing is."""
    assert Glob(glob).matches(key) is matched


@pytest.mark.parametrize("glob", ["*a" * 60 + "!", "*[ab]a" * 20 + "!*", "?*" * 50 + "!"])
def test_many_stars_end(glob: str) -> None:
    """They are tried once, from the left: any way of sharing a key among them would take for ever to try."""
    assert not Glob(glob).matches("a" * 200)


def simple(glob: str, key: str) -> bool:
    """As it is defined, for stars, question marks and letters."""
    if not glob:
        return not key
    if glob[0] == "*":
        return simple(glob[1:], key) or (bool(key) and simple(glob, key[1:]))
    return bool(key) and glob[0] in {"?", key[0]} and simple(glob[1:], key[1:])


@settings(max_examples=300)
@given(st.text("ab*?", max_size=7), st.text("ab", max_size=8))
def test_it_matches_what_the_definition_says(glob: str, key: str) -> None:
    """However stars, question marks and letters follow each other."""
    assert Glob(glob).matches(key) is simple(glob, key)
