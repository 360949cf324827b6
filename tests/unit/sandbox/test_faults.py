"""Faults hit exactly the share of requests they are set for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import delays
from sandbox.calls import Calls
from sandbox.faults import NO_FAULT, Fault, FaultFieldError, Faults, parse_fault


def hits(rate: float, requests: int) -> list[bool]:
    """Return for each of a number of requests whether it is hit."""
    faults = Faults()
    faults.put("weather", Fault("error", rate=rate))
    return [faults.draw("weather").mode == "error" for _ in range(requests)]


def test_half_a_rate_hits_exactly_every_second_request():
    """0.5 alternates, beginning with a miss."""
    assert hits(0.5, 6) == [False, True, False, True, False, True]


def test_a_rate_of_one_hits_all_and_of_zero_none():
    """The ends of the range are exact."""
    assert all(hits(1.0, 20))
    assert not any(hits(0.0, 20))


@settings(deadline=None)
@given(st.integers(0, 100), st.integers(1, 10))
def test_the_share_hit_is_the_rate(percent, hundreds):
    """Of hundreds of requests as many are hit as the rate says, whatever its decimals."""
    assert sum(hits(percent / 100, 100 * hundreds)) == percent * hundreds


def test_a_fault_touches_its_own_service_only():
    """News goes on while the weather is broken."""
    faults = Faults()
    faults.put("weather", Fault("timeout"))
    assert faults.draw("news") == NO_FAULT


def test_clearing_takes_all_faults_away():
    """After a reset nothing is hit."""
    faults = Faults()
    faults.put("news", Fault("huge"))
    faults.clear()
    assert faults.draw("news") == NO_FAULT
    assert faults.as_dict()["news"]["mode"] == "off"


def test_a_fault_is_read_with_its_defaults():
    """Only the service and the mode are needed."""
    assert parse_fault({"service": "chat", "mode": "slow"}) == ("chat", Fault("slow", 3000, 1.0))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({}, "service"),
        ({"service": "mail", "mode": "error"}, "service"),
        ({"service": ["news"], "mode": "error"}, "service"),
        ({"service": "news"}, "mode"),
        ({"service": "news", "mode": "explode"}, "mode"),
        ({"service": "news", "mode": "slow", "delay_ms": -1}, "delay_ms"),
        ({"service": "news", "mode": "slow", "delay_ms": 1.5}, "delay_ms"),
        ({"service": "news", "mode": "slow", "delay_ms": True}, "delay_ms"),
        ({"service": "news", "mode": "slow", "delay_ms": 600_001}, "delay_ms"),
        ({"service": "news", "mode": "error", "rate": 1.01}, "rate"),
        ({"service": "news", "mode": "error", "rate": float("nan")}, "rate"),
        ({"service": "news", "mode": "error", "rate": "1"}, "rate"),
        ({"service": "news", "mode": "error", "delay": 5}, "delay"),
    ],
)
def test_a_wrong_field_is_named(body, field):
    """Each mistake points at its field."""
    with pytest.raises(FaultFieldError) as caught:
        parse_fault(body)
    assert caught.value.field == field


def test_calls_are_counted_by_service_and_start_at_zero():
    """All services are listed, whether asked or not."""
    calls = Calls()
    calls.add("news")
    calls.add("news")
    assert calls.as_dict() == {"weather": 0, "news": 2, "oauth": 0, "platform": 0, "chat": 0}
    calls.clear()
    assert set(calls.as_dict().values()) == {0}


def test_delays_are_those_of_the_real_services_unless_off(monkeypatch):
    """The variable is read at the time of asking."""
    monkeypatch.delenv("SANDBOX_DELAYS", raising=False)
    assert (delays.seconds_for("weather"), delays.seconds_for("news")) == (0.5, 0.8)
    monkeypatch.setenv("SANDBOX_DELAYS", "off")
    assert delays.seconds_for("weather") == 0


def test_an_unknown_delay_setting_is_refused(monkeypatch):
    """The error names the variable and what is allowed."""
    monkeypatch.setenv("SANDBOX_DELAYS", "maybe")
    with pytest.raises(delays.DelaySettingError, match=r"SANDBOX_DELAYS .* on .* off"):
        delays.enabled()
