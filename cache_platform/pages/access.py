"""Who may see the pages: staff with the permission `cache_platform.view_cache`; flushing needs `flush_cache` too."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

VIEW = "cache_platform.view_cache"
FLUSH = "cache_platform.flush_cache"
View = Callable[..., HttpResponse]


def page(*permissions: str) -> Callable[[View], View]:
    """A page of the admin for those with all of `permissions`: others sign in, or get a 403.

    A part that a page asks for by itself gets a 401 in the sign-in's place, which the page can tell from an answer.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, **kwargs: str) -> HttpResponse:
            if not request.user.has_perms(permissions):
                return show(request, "denied", {"title": "No permission", "missing": permissions}, status=403)
            return view(request, **kwargs)

        behind_sign_in = admin.site.admin_view(checked)

        @wraps(view)
        def guarded(request: HttpRequest, **kwargs: str) -> HttpResponse:
            if is_part(request) and not admin.site.has_permission(request):
                return HttpResponse("You are signed out.", status=401, content_type="text/plain")
            return behind_sign_in(request, **kwargs)

        return never_cache(guarded)

    return decorate


def is_part(request: HttpRequest) -> bool:
    """Whether the page asks for its own changing part, which htmx says."""
    return "HX-Request" in request.headers


def show(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A page in the admin's frame, without the list of all models beside it: tables need the room."""
    frame = {
        **admin.site.each_context(request),
        "is_nav_sidebar_enabled": False,
        "may_view": request.user.has_perm(VIEW),
        "may_flush": request.user.has_perms((VIEW, FLUSH)),
    }
    return render(request, f"cache_platform/{template}.html", {**frame, **context}, status=status)
