"""What texts the assistant keeps: what people can see, and every database can store."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError

ALLOWED_CONTROLS = frozenset("\t\n\r")


def validate_text(value: str) -> None:
    """Raises ValidationError for control characters other than tabs and line ends, and for halves of surrogate
    pairs."""
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in set(value) - ALLOWED_CONTROLS):
        raise ValidationError("must be text, without control characters", code="not_text")
