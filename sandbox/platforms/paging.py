"""Pages of items: how many, and where the next one begins."""

from __future__ import annotations

import base64
import binascii

from django.http import QueryDict

from sandbox.platforms.refusals import Refused

CURSOR_PREFIX = "item:"


def size_of(query: QueryDict, name: str, *, default: int = 50, most: int) -> int:
    """Return how many items are asked for. Raises Refused with 400 for less than one or more than `most`."""
    size = whole(query.get(name, str(default)))
    if size is None or not 1 <= size <= most:
        raise Refused(400, f"{name} must be a whole number from 1 to {most}.")
    return size


def whole(text: str) -> int | None:
    """Return the number that `text` is, if it is one of at most nine digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def cursor_at(offset: int) -> str:
    """Return the cursor of the page that begins with item number `offset`, which nobody should look into."""
    return base64.urlsafe_b64encode(f"{CURSOR_PREFIX}{offset}".encode()).decode().rstrip("=")


def offset_of(query: QueryDict, name: str) -> int:
    """Return where the page begins: 0 without a cursor. Raises Refused with 400 for one that was not given out."""
    cursor = query.get(name, "")
    if not cursor:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    offset = whole(text.removeprefix(CURSOR_PREFIX)) if text.startswith(CURSOR_PREFIX) else None
    if offset is None:
        raise Refused(400, f"{name} is not a cursor of this list.")
    return offset


def next_cursor(offset: int, total: int) -> str | None:
    """Return the cursor of the page that begins with item number `offset`; None if there is no such item."""
    return cursor_at(offset) if offset < total else None
