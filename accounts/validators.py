"""What may be stored: plain text, settings of a bounded size, counts."""

from __future__ import annotations

import unicodedata
from typing import Any

import msgspec
from django.core.exceptions import ValidationError

MOST_SETTINGS_BYTES = 8192
DEEPEST_SETTINGS = 6
MOST_COUNTS = 32
LARGEST_INTEGER = 2**53 - 1
"""What every reader of JSON keeps exactly (RFC 7493, section 2.2)."""


def validate_plain_text(value: str) -> None:
    """Raises ValidationError for control characters, line breaks and halves of surrogate pairs."""
    if not all(character.isprintable() for character in value):
        raise ValidationError("must be plain text in one line", code="not_plain")


def validate_settings(value: Any) -> None:  # noqa: ANN401  # JSON
    """Raises ValidationError unless `value` is a JSON object of at most 8 KiB that every database can keep."""
    if not isinstance(value, dict):
        raise ValidationError("must be a JSON object", code="not_an_object")
    _validate_json(value, DEEPEST_SETTINGS)
    if len(msgspec.json.encode(value)) > MOST_SETTINGS_BYTES:
        raise ValidationError(f"must not be larger than {MOST_SETTINGS_BYTES} bytes", code="too_large")


def validate_counts(value: Any) -> None:  # noqa: ANN401  # JSON
    """Raises ValidationError unless `value` is a JSON object of whole numbers that are not negative."""
    if not isinstance(value, dict) or len(value) > MOST_COUNTS:
        raise ValidationError(f"must be a JSON object of at most {MOST_COUNTS} numbers", code="not_an_object")
    _validate_json(value, 1)
    if not all(type(count) is int and count >= 0 for count in value.values()):
        raise ValidationError("must hold whole numbers that are not negative", code="not_counts")


def _validate_json(value: Any, depth: int) -> None:  # noqa: ANN401  # JSON
    if isinstance(value, dict | list):
        if depth == 0:
            raise ValidationError("must not be nested so deeply", code="too_deep")
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            _validate_json(inner, depth - 1)
    elif isinstance(value, str):
        _validate_text(value)
    elif isinstance(value, int | float) and not abs(value) <= LARGEST_INTEGER:
        raise ValidationError("must not hold numbers beyond 2^53", code="number")


def _validate_text(text: str) -> None:
    """What PostgreSQL's jsonb and UTF-8 cannot hold."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValidationError("must not hold NUL characters or halves of surrogate pairs", code="text")


def normal_name(value: str) -> str:
    """A name in one spelling (NFC, trimmed), so that two that look alike are one."""
    return unicodedata.normalize("NFC", value).strip()
