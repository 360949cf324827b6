"""What goes wrong on purpose: one fault a service, hitting an exact share of its requests."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Service = Literal["weather", "news", "oauth", "platform", "chat"]
Mode = Literal["off", "error", "slow", "timeout", "malformed", "rate_limited", "huge", "cut"]
SERVICES: tuple[Service, ...] = get_args(Service)
MODES: tuple[Mode, ...] = get_args(Mode)

DEFAULT_SLOWNESS_MS = 3_000
LONGEST_DELAY_MS = 600_000
ROUNDING = 1e-9
"""Ten times 0.1 must count as one."""


class FaultFieldError(ValueError):
    """A field of a fault is wrong: which one, and what is allowed."""

    def __init__(self, name: str, allowed: str) -> None:
        super().__init__(f"{name}: {allowed}")
        self.field = name


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `delay_ms` counts for mode slow only, `rate` is the share of requests it hits."""

    mode: Mode = "off"
    delay_ms: int = DEFAULT_SLOWNESS_MS
    rate: float = 1.0


NO_FAULT = Fault()


@dataclass(slots=True)
class Faults:
    """The fault set for each service, and how far each is from its next hit."""

    _set: dict[Service, Fault] = field(default_factory=dict)
    _due: dict[Service, float] = field(default_factory=dict)

    def put(self, service: Service, fault: Fault) -> None:
        """Set the fault of a service and begin counting its rate anew."""
        self._set[service] = fault
        self._due[service] = 0.0

    def clear(self) -> None:
        """Take all faults away."""
        self._set.clear()
        self._due.clear()

    def draw(self, service: Service) -> Fault:
        """Return the fault that the next request of `service` gets: of n requests exactly n * rate are hit."""
        fault = self._set.get(service, NO_FAULT)
        due = self._due.get(service, 0.0) + fault.rate
        hit = due >= 1 - ROUNDING
        self._due[service] = due - 1 if hit else due
        return fault if hit else NO_FAULT

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return what is set, for every service."""
        return {service: asdict(self._set.get(service, NO_FAULT)) for service in SERVICES}


def parse_fault(body: object) -> tuple[Service, Fault]:
    """Return the service and fault that a decoded JSON body asks for; FaultFieldError names what is wrong."""
    if not isinstance(body, dict):
        raise FaultFieldError("body", "must be a JSON object")
    unknown = sorted(set(body) - {"service", "mode", "delay_ms", "rate"})
    if unknown:
        raise FaultFieldError(unknown[0], "unknown field; allowed are service, mode, delay_ms, rate")
    service = next((known for known in SERVICES if known == body.get("service")), None)
    if service is None:
        raise FaultFieldError("service", f"must be one of {', '.join(SERVICES)}")
    mode = next((known for known in MODES if known == body.get("mode")), None)
    if mode is None:
        raise FaultFieldError("mode", f"must be one of {', '.join(MODES)}")
    return service, Fault(mode, _delay(body), _rate(body))


def _delay(body: dict[str, Any]) -> int:
    value = body.get("delay_ms", DEFAULT_SLOWNESS_MS)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_DELAY_MS:
        raise FaultFieldError("delay_ms", f"must be a whole number from 0 to {LONGEST_DELAY_MS}")
    return value


def _rate(body: dict[str, Any]) -> float:
    value = body.get("rate", 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise FaultFieldError("rate", "must be a number from 0 to 1")
    return float(value)
