"""The pages that people see: the consent page and refusals. They run no script and load nothing."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.template import Context, Engine
from django.utils.safestring import mark_safe

from sandbox.oauth.accounts import ACCOUNTS, DEFAULT_ACCOUNT
from sandbox.oauth.definitions import Platform

TEMPLATES = Path(__file__).parent / "templates"
HTML = "text/html; charset=utf-8"


def consent_page(platform: Platform, *, scope: str, redirect_uri: str, form: str) -> HttpResponse:
    """Return the page that asks; its form may lead here, and from here to the client."""
    client = urlsplit(redirect_uri).netloc
    about: dict[str, object] = {
        "permissions": [platform.scopes[name] for name in scope.split()],
        "accounts": ACCOUNTS.values(),
        "chosen": DEFAULT_ACCOUNT,
        "client": client,
        "form": form,
    }
    return _page("consent.html", platform, about, form_action=f"'self' {_source(redirect_uri)}")


def refusal_page(platform: Platform, why: str, *, status: int = 400) -> HttpResponse:
    """Return a page that says why nothing can be agreed to here."""
    return _page("refusal.html", platform, {"why": why}, form_action="'none'", status=status)


def _page(
    name: str, platform: Platform, about: dict[str, object], *, form_action: str, status: int = 200
) -> HttpResponse:
    style, digest = _style()
    body = _engine().get_template(name).render(Context({"platform": platform, "style": style, **about}))
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action {form_action}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Type": HTML,
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "same-origin",  # with no-referrer, browsers hide the form's origin
        "Cache-Control": "no-store",
    }
    return HttpResponse(body, status=status, headers=headers)


def _source(redirect_uri: str) -> str:
    """Return where the form's redirect leads, as content policies can say it: they know no IPv6 addresses."""
    parts = urlsplit(redirect_uri)
    return "http:" if ":" in (parts.hostname or "") else f"{parts.scheme}://{parts.netloc}"


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(TEMPLATES)])


@cache
def _style() -> tuple[str, str]:
    """Return the style sheet and its SHA-256 as content policies write it."""
    text = (TEMPLATES / "pages.css").read_text()
    return mark_safe(text), base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()  # noqa: S308 - own file
