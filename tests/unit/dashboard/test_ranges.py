"""The bars of the forecast."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.ranges import SHORTEST, Range, ranges

temperatures = st.none() | st.floats(-90, 60)


def percent(text: str) -> float:
    return float(text.removesuffix("%"))


def test_bars_lie_between_the_week_s_extremes() -> None:
    """The coldest day begins at the left, the warmest ends at the right."""
    assert ranges([(0, 5), (5, 10)]) == [Range(x="0.0%", width="50.0%"), Range(x="50.0%", width="50.0%")]


def test_the_temperature_now_is_marked_on_today_only() -> None:
    """And never beyond the track."""
    first, second = ranges([(0, 5), (0, 10)], mark=2.5)
    assert first is not None
    assert second is not None
    assert (first.mark, second.mark) == ("25.0%", None)
    outside = ranges([(0, 10)], mark=99)[0]
    assert outside is not None
    assert outside.mark == "100.0%"


def test_a_day_without_values_has_no_bar() -> None:
    """Nor has a week without any."""
    assert ranges([(None, 5), (0, 10)]) == [None, Range(x="0.0%", width="100.0%")]
    assert ranges([(None, None)]) == [None]
    assert ranges([]) == []


def test_a_day_without_change_can_be_seen() -> None:
    """Even where the whole week has one temperature."""
    assert ranges([(7, 7), (7, 7)]) == [Range(x="0.0%", width=f"{SHORTEST:.1f}%")] * 2


@given(days=st.lists(st.tuples(temperatures, temperatures), max_size=8), mark=temperatures)
def test_bars_stay_on_the_track(days: list[tuple[float | None, float | None]], mark: float | None) -> None:
    """Whatever a provider sends, even a low above its high."""
    bars = ranges(days, mark=mark)
    assert len(bars) == len(days)
    for bar in filter(None, bars):
        assert percent(bar.x) >= 0
        assert percent(bar.width) >= SHORTEST
        assert percent(bar.x) + percent(bar.width) == pytest.approx(100, abs=0.2) or (
            percent(bar.x) + percent(bar.width) < 100
        )
        assert bar.mark is None or 0 <= percent(bar.mark) <= 100
