"""How often each service was asked since the last reset."""

from __future__ import annotations

from collections import Counter

from sandbox.faults import SERVICES, Service


class Calls:
    """Counts requests on arrival: those that are answered late, badly or never count too."""

    def __init__(self) -> None:
        self._counts: Counter[Service] = Counter()

    def add(self, service: Service) -> None:
        """Count one request."""
        self._counts[service] += 1

    def clear(self) -> None:
        """Begin at zero."""
        self._counts.clear()

    def as_dict(self) -> dict[str, int]:
        """Return the count of every service, zeros included."""
        return {service: self._counts[service] for service in SERVICES}
