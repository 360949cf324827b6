"""What the relay sees to for the connectors."""

from __future__ import annotations

from cache_platform.relay import errand
from connectors.extraction import broker

EVERY = 2.0
"""Seconds."""

errand("extractions", broker.send_waiting, every=EVERY)
