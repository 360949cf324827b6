"""Chirper, strict as OAuth 2.1 is: `GET /api/me` and `GET /api/messages`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from sandbox.oauth.accounts import ACCOUNTS
from sandbox.oauth.definitions import CHIRPER
from sandbox.platforms.bearer import protected
from sandbox.platforms.items import messages
from sandbox.platforms.paging import next_cursor, offset_of, size_of
from sandbox.replies import json_reply

MOST = 100


@protected(CHIRPER)
async def profile(_request: HttpRequest, account: str) -> HttpResponse:
    """Return who the token's account is."""
    about = ACCOUNTS[account]
    return json_reply({"id": f"usr_{about.number:06d}", "name": about.name, "handle": f"@{account}"})


@protected(CHIRPER, scope=CHIRPER.data_scope)
async def message_list(request: HttpRequest, account: str) -> HttpResponse:
    """Return a page of messages, newest first."""
    size = size_of(request.GET, "limit", most=MOST)
    offset = offset_of(request.GET, "cursor")
    found = messages(account)
    return json_reply(
        {
            "messages": found[offset : offset + size],
            "next_cursor": next_cursor(offset + size, len(found)),
            "total": len(found),
        }
    )
