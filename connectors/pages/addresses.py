"""Which addresses the page may send people to, and at which one of its own it has to be opened."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from connectors.providers import address, offered


class SeeOther(HttpResponseRedirect):
    """A redirect after a POST (RFC 9110, section 15.4.4)."""

    status_code = 303


def origin(url: str) -> str:
    """Scheme, host and port of an address (RFC 6454)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def form_targets() -> list[str]:
    """The origins that the page's forms lead to besides its own. Chromium holds the policy's form-action against the
    redirects after a form too: to the consent pages, and from one that asks nothing straight back to SITE_URL."""
    found = [origin(address(provider, provider.authorize_url)) for provider in offered()]
    return list(dict.fromkeys([*found, origin(settings.SITE_URL)]))


def other_address(request: HttpRequest) -> str:
    """The page at SITE_URL when this request came to another host; empty when it did not.

    Platforms send people back to SITE_URL, where the cookie of another host is not sent, so that nobody would be
    signed in. Ports do not count: cookies do not tell them apart (RFC 6265, section 8.5).
    """
    site = settings.SITE_URL
    if _host(f"//{request.get_host()}") == _host(site):
        return ""
    return f"{site.rstrip('/')}{reverse('connectors:page')}"


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")
