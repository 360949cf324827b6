"""How long each service takes to answer, as the real ones do."""

from __future__ import annotations

import os

from sandbox.faults import Service

VARIABLE = "SANDBOX_DELAYS"
SECONDS: dict[Service, float] = {"weather": 0.5, "news": 0.8, "oauth": 0.0, "platform": 0.2, "chat": 0.9}


class DelaySettingError(ValueError):
    """The environment asks for something else than delays or none."""


def enabled() -> bool:
    """Return whether services take their time; DelaySettingError if the variable says neither on nor off."""
    value = os.environ.get(VARIABLE, "").strip().lower()
    if value not in {"", "on", "off"}:
        raise DelaySettingError(f"{VARIABLE} is {value!r}; allowed are on (the default) and off")
    return value != "off"


def seconds_for(service: Service) -> float:
    """Return how long `service` takes, in seconds; 0 with SANDBOX_DELAYS=off."""
    return SECONDS[service] if enabled() else 0.0
