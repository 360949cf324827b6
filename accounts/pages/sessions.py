"""Where the account is signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.pages.browsers import Browser, browser_of
from accounts.pages.frame import account_page, show, user_of
from accounts.pages.wording import Moment, ago, day, moment
from accounts.sign_ins import ActiveSession, active_sessions, end_session, sign_out_everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as the page lists it."""

    id: str
    browser: Browser
    address: str
    signed_in: Moment
    seen: Moment
    current: bool


@account_page
def sessions(request: HttpRequest) -> HttpResponse:
    """The sessions, this one first. `do=end` ends one of them, `do=end-all` everything."""
    user = user_of(request)
    if request.method == "POST":
        return _end_all(request) if request.POST.get("do") == "end-all" else _end_one(request)
    now = datetime.now(UTC)
    rows = [_row(session, now) for session in active_sessions(user, current_key=request.session.session_key)]
    return show(request, "sessions", {"sessions": sorted(rows, key=lambda row: not row.current)})


def _end_one(request: HttpRequest) -> HttpResponse:
    if end_session(user_of(request), request.POST.get("session", "")):
        messages.success(request, "That browser is signed out.")
    else:
        messages.info(request, "That browser was signed out already.")
    return redirect("accounts:sessions")


def _end_all(request: HttpRequest) -> HttpResponse:
    sign_out_everywhere(user_of(request))
    logout(request)
    messages.success(request, "You are signed out everywhere.")
    return redirect("accounts:login")


def _row(session: ActiveSession, now: datetime) -> SessionRow:
    return SessionRow(
        id=session.id,
        browser=browser_of(session.user_agent),
        address=session.address,
        signed_in=moment(session.signed_in_at, day(session.signed_in_at)),
        seen=moment(session.last_seen, ago(session.last_seen, now)),
        current=session.current,
    )
