"""Where the news come from, by the settings."""

from __future__ import annotations

from django.conf import settings

SANDBOX_KEY = "sandbox"


def base_url(public_url: str) -> str:
    """NEWS_URL, else the sandbox, else the provider's public address."""
    if settings.NEWS_URL:
        return str(settings.NEWS_URL)
    return str(settings.SANDBOX_URL) if settings.PROVIDERS == "sandbox" else public_url


def api_key() -> str:
    """NEWS_API_KEY; the sandbox takes any, so there one is made up. Empty when there is none."""
    made_up = SANDBOX_KEY if settings.PROVIDERS == "sandbox" else ""
    return str(settings.NEWS_API_KEY or made_up)
