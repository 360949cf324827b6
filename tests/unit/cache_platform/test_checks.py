"""System checks: each mistake has one stable id and says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cache_platform import checks
from cache_platform.checks import check_settings


def ids() -> list[str | None]:
    """The ids of what the checks find now."""
    return [message.id for message in check_settings(None)]


def test_the_sites_own_settings_are_fine() -> None:
    """Nothing to say."""
    assert ids() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"PREFX": "x"}, "cache_platform.E001"),
        ({"PREFIX": "a:b"}, "cache_platform.E002"),
        ({"PREFIX": ""}, "cache_platform.E002"),
        ({"STORE": "memry"}, "cache_platform.E006"),
        ({"STORE": "redis", "ALIAS": "missing"}, "cache_platform.E003"),
        ({"STORE": "redis"}, "cache_platform.E004"),
    ],
)
def test_a_wrong_setting_is_found(settings: Any, changes: dict[str, str], expected: str) -> None:
    """With a hint."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, **changes}
    assert ids() == [expected]
    assert check_settings(None)[0].hint


def test_a_wrong_or_unknown_ttl_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in a variable's name would else do nothing, silently."""
    monkeypatch.setenv("CACHE_TTL_WETHER_CURRENT", "5")
    monkeypatch.setenv("CACHE_TTL_WEATHER_CURRENT", "soon")
    assert ids() == ["cache_platform.E005", "cache_platform.W002"]


def test_memory_for_several_processes_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their writes would not reach each other."""
    monkeypatch.setenv("WORKERS", "4")
    assert ids() == ["cache_platform.W001"]


def test_ids_are_unique() -> None:
    """One id, one meaning."""
    found = re.findall(r'id="(cache_platform\.[EW]\d{3})"', Path(checks.__file__).read_text(encoding="utf-8"))
    assert len(found) == len(set(found)) >= 7
