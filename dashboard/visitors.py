"""Who looks at the page."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import django.db
from django.http import HttpRequest

from cache_platform.exceptions import CachePlatformError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """`user_id` is None for those who are not signed in. Not `known`: nobody can tell whether they are."""

    user_id: int | None = None
    known: bool = True


def visitor_of(request: HttpRequest) -> Visitor:
    """The visitor. A browser without a session costs nothing; the session and the user of others come from the cache.
    With the database away and the session not in the cache nobody knows, and the page goes on without their cards.
    """
    try:
        return Visitor(user_id=request.user.pk if request.user.is_authenticated else None)
    except (django.db.Error, CachePlatformError):
        logger.warning("a visitor's own cards were left out: who is signed in could not be read", exc_info=True)
        return Visitor(known=False)
