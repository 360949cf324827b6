"""Tunebox, after Spotify: `GET /v1/me` and `GET /v1/me/player/recently-played`.

Wire format: https://developer.spotify.com/documentation/web-api/reference/get-recently-played. The cursor `before` is
a time in Unix milliseconds, as there; `id` and `total`, which the real one lacks, are this platform's own.
"""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse

from sandbox.oauth.accounts import ACCOUNTS
from sandbox.oauth.definitions import TUNEBOX
from sandbox.platforms.bearer import protected
from sandbox.platforms.items import Item, plays
from sandbox.platforms.paging import size_of
from sandbox.platforms.refusals import Refused
from sandbox.replies import json_reply

MOST = 50


@protected(TUNEBOX)
async def profile(_request: HttpRequest, account: str) -> HttpResponse:
    """Return who the token's account is."""
    return json_reply({"id": f"tb-{account}", "display_name": ACCOUNTS[account].name})


@protected(TUNEBOX, scope=TUNEBOX.data_scope)
async def recently_played(request: HttpRequest, account: str) -> HttpResponse:
    """Return the plays before a moment, newest first."""
    size = size_of(request.GET, "limit", most=MOST)
    before = _milliseconds(request.GET.get("before", ""))
    found = plays(account)
    rest = found if before is None else [play for play in found if played_at(play) < before]
    page = rest[:size]
    cursor = str(played_at(page[-1])) if len(rest) > size else None
    return json_reply({"items": page, "cursors": {"before": cursor}, "limit": size, "total": len(found)})


def played_at(play: Item) -> int:
    """Return when it was, in Unix milliseconds."""
    return int(datetime.fromisoformat(str(play["played_at"])).timestamp()) * 1000


def _milliseconds(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Refused(400, "before must be a time in Unix milliseconds.")
    return int(text[:20])
