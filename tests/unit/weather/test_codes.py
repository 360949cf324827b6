"""WMO codes in words and icons."""

from __future__ import annotations

import pytest

from weather.codes import ICONS, describe, icon

OPEN_METEO_CODES = [0, 1, 2, 3, 45, 48, *range(51, 58, 2), 56, 61, 63, 65, 66, 67, 71, 73, 75, 77, 80, 81, 82]
OPEN_METEO_CODES += [85, 86, 95, 96, 99]


@pytest.mark.parametrize("code", OPEN_METEO_CODES)
def test_every_code_of_the_provider_has_words_and_icons(code: int) -> None:
    """None of them is unknown."""
    assert describe(code) != "Unknown"
    assert icon(code, is_day=True) in ICONS - {"unknown"}
    assert icon(code, is_day=False) in ICONS - {"unknown"}


@pytest.mark.parametrize("code", [None, -1, 4, 1000])
def test_other_codes_are_unknown(code: int | None) -> None:
    """A page can always show something."""
    assert describe(code) == "Unknown"
    assert icon(code, is_day=False) == "unknown"


def test_a_clear_night_has_a_moon() -> None:
    """Daylight is assumed where it is not known."""
    assert icon(0, is_day=False) == "clear-night"
    assert icon(0, is_day=True) == icon(0, is_day=None) == "clear-day"
    assert icon(61, is_day=False) == "rain"
