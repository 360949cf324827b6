"""Titles that are made of what somebody wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.conversations import plain_title
from assistant.models.conversation import LONGEST_TITLE


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("  two\n lines\t", "two lines"),
        ("a\0b\u202ec", "a b c"),
        ("x" * 120, "x" * 120),
        ("x" * 121, "x" * 119 + "…"),
        ("x" * 118 + " yyy", "x" * 118 + "…"),
    ],
)
def test_a_title_is_one_line_of_what_can_be_seen(text: str, title: str) -> None:
    """With an ellipsis where it is cut."""
    assert plain_title(text) == title


@given(st.text(st.characters(), max_size=300))
def test_any_text_gives_a_title_that_can_be_kept(text: str) -> None:
    """Of bounded length, without what databases refuse."""
    title = plain_title(text)
    assert len(title) <= LONGEST_TITLE
    assert title.isprintable()
    assert plain_title(title) == title
