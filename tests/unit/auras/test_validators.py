"""What may be kept of an aura."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from accounts.validators import normal_name
from auras.validators import MOST_SETTINGS_BYTES, validate_kind, validate_settings

FULL = {"a": "x" * (MOST_SETTINGS_BYTES - len('{"a":""}'))}


def test_a_name_has_one_spelling() -> None:
    """Composed, and without spaces around it."""
    assert normal_name(" Zoe\u0308 ") == normal_name("Zoë") == "Zoë"


@pytest.mark.parametrize("kind", ["agent", "a", "voice-2", "a_b"])
def test_a_kind_is_a_word(kind: str) -> None:
    """In small letters."""
    validate_kind(kind)


@pytest.mark.parametrize("kind", ["", "Agent", "2nd", "a b", "agent\n", "é", "<b>", "a\0"])
def test_what_is_no_word_is_no_kind(kind: str) -> None:
    """The end of a line included."""
    with pytest.raises(ValidationError):
        validate_kind(kind)


@pytest.mark.parametrize("settings", [{}, {"a": [1, {"b": None}]}, FULL], ids=["empty", "nested", "full"])
def test_settings_are_an_object(settings: Any) -> None:
    """Of 4 KiB, to the byte."""
    validate_settings(settings)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ([], "not_an_object"),
        ({"a": FULL["a"] + "x"}, "too_large"),
        ({"a": "x" * 10_000}, "too_large"),
        ({"a": "\0"}, "text"),
        ({"\ud800": 1}, "text"),
        ({"a": 10**400}, "number"),
        ({"a": float("nan")}, "number"),
        ({"a": [[[[[[1]]]]]]}, "too_deep"),
    ],
    ids=["list", "a byte more", "far more", "NUL", "half a pair", "digits", "NaN", "deep"],
)
def test_settings_that_cannot_be_kept_are_refused(settings: Any, code: str) -> None:
    """And the bound that is told is an aura's."""
    with pytest.raises(ValidationError) as refused:
        validate_settings(settings)
    assert refused.value.code == code
    if code == "too_large":
        assert refused.value.messages == ["must not be larger than 4096 bytes"]
