"""What clients may ask of the weather besides coordinates."""

from __future__ import annotations

import pytest

from cache_platform.exceptions import InvalidQuery
from weather.queries import parse_days, parse_place_query, parse_units


def test_what_is_absent_has_a_default() -> None:
    """An empty value counts as absent."""
    assert parse_units(None) == parse_units("") == "metric"
    assert parse_days(None) == parse_days("") == 7


@pytest.mark.parametrize("text", ["metric", "imperial"])
def test_known_units_are_taken(text: str) -> None:
    """The two of the interface."""
    assert parse_units(text) == text


@pytest.mark.parametrize("text", ["Metric", "kelvin", " metric"])
def test_other_units_are_refused(text: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidQuery) as caught:
        parse_units(text)
    assert caught.value.field == "units"


@pytest.mark.parametrize(("text", "days"), [("1", 1), ("16", 16), ("07", 7)])
def test_days_from_one_to_sixteen_are_taken(text: str, days: int) -> None:
    """As many as are loaded."""
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["0", "17", "-1", "1.0", "1e1", "007", "²", "٣", " 1", "9" * 5000])
def test_other_days_are_refused(text: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidQuery) as caught:
        parse_days(text)
    assert caught.value.field == "days"


def test_place_queries_are_trimmed() -> None:
    """White space of any kind becomes single spaces."""
    assert parse_place_query("  New\t York \n") == "New York"


@pytest.mark.parametrize("text", [None, "", "   ", "x" * 101, "a\x00b", "a\ud800"])
def test_bad_place_queries_are_refused(text: str | None) -> None:
    """Nothing, too much, or controls."""
    with pytest.raises(InvalidQuery) as caught:
        parse_place_query(text)
    assert caught.value.field == "q"
