"""The connectors' settings, read when asked, so that `override_settings` just works."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings


def extraction_lease() -> timedelta:
    """How long a worker may be silent before another one takes over its job (`EXTRACTION_LEASE_SECONDS`, default 30).
    Longer than the slowest page takes, with the renewal of its token."""
    return timedelta(seconds=float(getattr(settings, "EXTRACTION_LEASE_SECONDS", 30)))
