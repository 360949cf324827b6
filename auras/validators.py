"""What may be kept of an aura."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from django.core.exceptions import ValidationError

from accounts.validators import validate_settings as validate_any_settings

MOST_SETTINGS_BYTES = 4096
KIND = re.compile(r"[a-z][a-z0-9_-]*")


def validate_kind(value: str) -> None:
    """Raises ValidationError unless `value` is a plain word, such as `agent`."""
    if not KIND.fullmatch(value):
        raise ValidationError("must be a word of a-z, 0-9, - and _ that begins with a letter", code="not_a_word")


def validate_settings(value: Any) -> None:  # noqa: ANN401  # JSON
    """Raises ValidationError unless `value` is a JSON object of at most 4 KiB that every database can keep."""
    try:
        validate_any_settings(value)
        small = len(msgspec.json.encode(value)) <= MOST_SETTINGS_BYTES
    except ValidationError as error:
        if error.code != "too_large":
            raise
        small = False
    if not small:
        raise ValidationError(f"must not be larger than {MOST_SETTINGS_BYTES} bytes", code="too_large")
