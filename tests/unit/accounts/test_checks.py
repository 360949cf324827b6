"""What `check --deploy` says of the limits on passwords."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.checks import check_attempts


@pytest.mark.parametrize(
    ("words", "expected"),
    [("", 0), (" shadow", 1), (" allow", 1), (" shadow allow", 1)],
)
@pytest.mark.parametrize("name", ["auth", "auth_address"])
def test_passwords_without_a_limit_are_warned_of(settings: Any, name: str, words: str, expected: int) -> None:
    """Always, or while Redis is away."""
    limits = {"auth": "5/900s", "auth_address": "100/900s"}
    settings.CACHE_PLATFORM = {
        **settings.CACHE_PLATFORM,
        "RATE_LIMITS": {**limits, name: limits[name] + words},
    }
    found = check_attempts(None)
    assert [message.id for message in found] == ["accounts.W001"] * expected
    assert all(f"RATE_LIMIT_{name.upper()}" in str(message.hint) for message in found)
