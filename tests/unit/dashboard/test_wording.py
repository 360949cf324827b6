"""Numbers and times in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dashboard.wording import absolute, ago, compass, degrees, duration, number, people, published, uv_name

NOW = datetime(2025, 9, 8, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [(15.6, "16°"), (-3.2, "\N{MINUS SIGN}3°"), (-0.4, "0°"), (0.0, "0°"), (None, "\N{EN DASH}")],
)
def test_temperatures_are_whole_with_a_true_minus(value: float | None, words: str) -> None:
    """There is no minus zero, and a dash for what is missing."""
    assert degrees(value) == words


def test_numbers_are_whole() -> None:
    """Rounded, not cut."""
    assert number(1013.6) == "1014"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"),
        (-5, "1 s"),
        (1.2, "2 s"),
        (59.9, "60 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (86_399, "23 h"),
        (86_400, "1 day"),
        (200_000, "2 days"),
    ],
)
def test_durations_are_in_their_largest_unit(seconds: float, words: str) -> None:
    """At least a second, so that no one is told to wait for nothing."""
    assert duration(seconds) == words


def test_the_future_is_just_now() -> None:
    """A provider's clock may be ahead of ours."""
    assert ago(-100) == ago(59) == "just now"
    assert ago(61) == "1 min ago"


def test_old_articles_have_a_date() -> None:
    """After a week nobody counts days."""
    assert published(NOW - timedelta(hours=5), NOW) == "5 h ago"
    assert published(NOW - timedelta(days=6, hours=23), NOW) == "6 days ago"
    assert published(NOW - timedelta(days=7), NOW) == "1 Sep 2025"
    assert published(NOW + timedelta(days=400), NOW) == "just now"


def test_absolute_times_are_utc() -> None:
    """Wherever the moment comes from."""
    assert absolute(NOW.astimezone(timezone(timedelta(hours=9)))) == "8 Sep 2025, 12:00 UTC"


@pytest.mark.parametrize(
    ("bearing", "point"),
    [(0, "N"), (22, "N"), (23, "NE"), (225, "SW"), (337, "NW"), (338, "N"), (360, "N"), (-90, "W")],
)
def test_bearings_are_the_nearest_point(bearing: float, point: str) -> None:
    """Eight points, and all the way round."""
    assert compass(bearing) == point


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (0, "low"),
        (2.4, "low"),
        (2.6, "moderate"),
        (6, "high"),
        (8, "very high"),
        (11, "extreme"),
        (14, "extreme"),
        (-1, "low"),
    ],
)
def test_the_uv_index_has_the_names_of_the_who(index: float, name: str) -> None:
    """The index is defined for whole numbers."""
    assert uv_name(index) == name


@pytest.mark.parametrize(
    ("population", "words"),
    [(3_426_354, "3.4 million"), (24_874_500, "25 million"), (15_081, "15 thousand"), (999, "999"), (0, "0")],
)
def test_populations_are_rounded(population: int, words: str) -> None:
    """They only tell one place from another."""
    assert people(population) == words
