"""Daybook, after Google: `GET /oauth2/v3/userinfo` and `GET /calendar/v3/calendars/primary/events`.

Wire format: https://developers.google.com/workspace/calendar/api/v3/reference/events/list; `categories` is this
platform's own.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from sandbox.oauth.accounts import ACCOUNTS
from sandbox.oauth.definitions import DAYBOOK
from sandbox.platforms.bearer import protected
from sandbox.platforms.items import events
from sandbox.platforms.paging import next_cursor, offset_of, size_of
from sandbox.replies import json_reply

MOST = 250
FIRST_SUBJECT = 108_000_000_000_000_000_000


@protected(DAYBOOK)
async def profile(_request: HttpRequest, account: str) -> HttpResponse:
    """Return who the token's account is."""
    about = ACCOUNTS[account]
    return json_reply({"sub": str(FIRST_SUBJECT + about.number), "name": about.name, "email": about.email})


@protected(DAYBOOK, scope=DAYBOOK.data_scope)
async def calendar(request: HttpRequest, account: str) -> HttpResponse:
    """Return a page of events; `nextPageToken` is absent on the last."""
    size = size_of(request.GET, "maxResults", most=MOST)
    offset = offset_of(request.GET, "pageToken")
    found = events(account)
    cursor = next_cursor(offset + size, len(found))
    more = {} if cursor is None else {"nextPageToken": cursor}
    return json_reply({"kind": "calendar#events", "items": found[offset : offset + size], **more})
