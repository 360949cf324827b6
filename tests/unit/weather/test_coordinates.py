"""Coordinates: strict, rounded, one key for one place."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache_platform.exceptions import InvalidQuery
from weather.coordinates import parse_coordinate, parse_latitude, parse_longitude


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("52.52", 52.52),
        ("52.524", 52.52),
        ("52.526", 52.53),
        ("+7", 7.0),
        ("-7.", -7.0),
        (".5", 0.5),
        ("90", 90.0),
        ("-90.000", -90.0),
        ("007.10", 7.1),
        ("13.400000000000000123", 13.4),
        ("1e-7", 0.0),
        ("5.252E+1", 52.52),
    ],
)
def test_plain_decimals_are_rounded_to_two_places(text: str, value: float) -> None:
    """About a kilometre, finer than the provider's grid."""
    assert parse_latitude(text) == value


@pytest.mark.parametrize("text", ["0", "-0", "-0.0", "-0.004", "+0.001", "0.00"])
def test_zero_has_one_form(text: str) -> None:
    """-0.0 equals 0.0 but would be another key."""
    value = parse_latitude(text)
    assert value == 0.0
    assert math.copysign(1.0, value) == 1.0


@pytest.mark.parametrize("text", ["180", "-180", "179.999", "-179.999", "180.0"])
def test_the_date_line_is_one_meridian(text: str) -> None:
    """180 and -180 name the same place, before and after rounding."""
    assert parse_longitude(text) == 180.0


@pytest.mark.parametrize(
    "text",
    [
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "1e",
        "e1",
        "1e1000",
        "0x1p3",
        "1_0",
        " 1",
        "1 ",
        "1\n",
        "1\x00",
        "1,5",
        "1.2.3",
        "--1",
        "+-1",
        ".",
        "-",
        "٣",
        "\uff15\uff12",
        "1" * 25,
        "0." + "0" * 5000,
        "52.52;drop",
        "½",
    ],
)
def test_anything_but_a_plain_decimal_is_refused(text: str) -> None:
    """What float() takes beyond that never becomes a key."""
    with pytest.raises(InvalidQuery) as caught:
        parse_latitude(text)
    assert caught.value.field == "lat"
    assert "plain decimal" in caught.value.message


@pytest.mark.parametrize("text", [None, ""])
def test_a_missing_coordinate_is_named(text: str | None) -> None:
    """The message says which field and that it is required."""
    with pytest.raises(InvalidQuery) as caught:
        parse_longitude(text)
    assert (caught.value.field, caught.value.message) == ("lon", "is required")


@pytest.mark.parametrize("text", ["90.0001", "-90.004", "91", "1000", "99999999999999999999"])
def test_out_of_range_is_refused_before_rounding(text: str) -> None:
    """90.004 is not rounded into the range."""
    with pytest.raises(InvalidQuery, match="between -90 and 90"):
        parse_latitude(text)


@given(st.floats(min_value=-180, max_value=180))
def test_every_longitude_has_one_key_close_to_it(value: float) -> None:
    """Within half of the last place, in range, never -180 and never -0.0; reading the key gives the key."""
    key = parse_longitude(f"{value:.10f}")
    assert -180 < key <= 180
    assert min(abs(key - value), 360 - abs(key - value)) <= 0.005 + 1e-9
    assert str(key) != "-0.0"
    assert parse_longitude(f"{key:.2f}") == key


@given(st.text())
def test_any_text_is_a_number_in_range_or_an_invalid_query(text: str) -> None:
    """Nothing else comes out, whatever comes in."""
    try:
        value = parse_coordinate("lat", text, -90.0, 90.0)
    except InvalidQuery:
        return
    assert -90 <= value <= 90
