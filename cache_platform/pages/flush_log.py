"""Flushes of the past, as Django's log entries tell them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import Error

MOST = 20
PLACES = {"admin": "this page", "api": "the API"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A flush: when, by whom, of what, where, and how many entries, None where nobody counted. `waiting` is true for
    one that was made while the store was away."""

    at: datetime
    who: str
    target: str
    where: str
    entries: int | None
    waiting: bool
    unfinished: bool


def newest(most: int = MOST) -> list[Past]:
    """The newest flushes by users, the newest first; none where Django's admin keeps no log."""
    if not apps.is_installed("django.contrib.admin"):
        return []
    from django.contrib.admin.models import LogEntry

    ours = LogEntry.objects.filter(content_type__app_label="cache_platform", content_type__model="cache")
    try:
        return [_past(entry) for entry in ours.select_related("user").order_by("-action_time", "-pk")[:most]]
    except Error:
        return []


def _past(entry: Any) -> Past:  # noqa: ANN401  # a LogEntry, whose module needs its table
    said = _said(entry.change_message)
    where = str(said.get("where", ""))
    entries = said.get("entries")
    return Past(
        at=entry.action_time,
        who=entry.user.get_username(),
        target=entry.object_repr,
        where=PLACES.get(where, where),
        entries=entries if isinstance(entries, int) else None,
        waiting=said.get("waiting") is True,
        unfinished=bool(said.get("failed")),
    )


def _said(message: str) -> dict[str, Any]:
    """What flushing wrote; nothing of what it did not."""
    try:
        [said] = json.loads(message)
        found = said["deleted"]
    except (ValueError, TypeError, KeyError):
        return {}
    return found if isinstance(found, dict) else {}
