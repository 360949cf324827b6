"""The consent page's form can only be sent by the browser that was shown it, for the request that it showed."""

from __future__ import annotations

import hashlib
import re
import secrets

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse

COOKIE = "sandbox_browser"
COOKIE_PATH = "/oauth/"
COOKIE_FORM = re.compile(r"[0-9a-f]{32}")
LIFETIME = 600
"""Seconds that a form may be looked at before it is sent."""

SALT = "sandbox.oauth.forms"


def browser_of(request: HttpRequest) -> str:
    """Return the name of the browser, which its cookie tells; a new one where there is none."""
    known = request.COOKIES.get(COOKIE, "")
    return known if COOKIE_FORM.fullmatch(known) else secrets.token_hex(16)


def remember(response: HttpResponse, browser: str) -> None:
    """Give the browser its name."""
    response.set_cookie(COOKIE, browser, path=COOKIE_PATH, httponly=True, samesite="Lax")


def form_token(request: HttpRequest, browser: str) -> str:
    """Return what the form must carry: it holds for this address, its query and this browser."""
    return TimestampSigner(salt=SALT).sign(_subject(request, browser))


def is_own_form(request: HttpRequest) -> bool:
    """Return whether a post comes from the page that its address shows, in the browser that was shown it."""
    own = f"{request.scheme}://{request.get_host()}"
    if request.headers.get("Origin", own) != own:
        return False
    try:
        signed = TimestampSigner(salt=SALT).unsign(request.POST.get("form", ""), max_age=LIFETIME)
    except BadSignature:
        return False
    return secrets.compare_digest(signed, _subject(request, request.COOKIES.get(COOKIE, "")))


def _subject(request: HttpRequest, browser: str) -> str:
    query = request.META.get("QUERY_STRING", "")
    return hashlib.sha256(f"{browser}\n{request.path}?{query}".encode()).hexdigest()
