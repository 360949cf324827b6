"""What a web process does before its first request: imports, pools, the index of places."""

from __future__ import annotations

from django.urls import get_resolver

from cache_platform.sources import open_all
from weather import places


def preload() -> None:
    """Connects to nothing."""
    _ = get_resolver().url_patterns
    open_all()
    places.prepare()
