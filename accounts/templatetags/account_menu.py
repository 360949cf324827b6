"""`{% account_menu %}`: the top bar's link to sign in, or the menu of whom the browser is signed in as."""

from __future__ import annotations

import logging
from typing import Any

import django.db
from django import template
from django.template.context import Context

from cache_platform.exceptions import CachePlatformError

logger = logging.getLogger(__name__)
register = template.Library()


@register.inclusion_tag("accounts/menu.html", takes_context=True)
def account_menu(context: Context) -> dict[str, Any]:
    """The menu. A browser without a session costs nothing; where nobody can tell whose session it is, because the
    database is away, there is no menu: the page around it is still good.
    """
    request = context.get("request")
    if request is None or not hasattr(request, "user"):
        return {"known": False}
    try:
        name = request.user.get_short_name() or request.user.get_username() if request.user.is_authenticated else ""
    except (django.db.Error, CachePlatformError):
        logger.warning("the account menu was left out: who is signed in could not be read", exc_info=True)
        return {"known": False}
    return {"known": True, "user": request.user, "name": name, "csrf_token": context.get("csrf_token")}
