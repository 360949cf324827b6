"""“Cache” among the models of Django's admin: it leads to the pages about the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from cache_platform.models import Cache

if TYPE_CHECKING:  # generic for the type checker only
    OfCache = admin.ModelAdmin[Cache]
else:
    OfCache = admin.ModelAdmin


@admin.register(Cache)
class CacheAdmin(OfCache):
    """Nothing to add, change or delete: there is one cache, and it has pages of its own."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether “Cache” is in the list of apps."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Cache | None = None) -> bool:  # noqa: ARG002  # Django's
        """Those who may see the pages."""
        return request.user.has_perm("cache_platform.view_cache")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002  # Django's signature
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Cache | None = None) -> bool:  # noqa: ARG002  # Django's
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Cache | None = None) -> bool:  # noqa: ARG002  # Django's
        """Nobody."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cache]:
        """None: the rows of the table behind it are the outbox's."""
        return super().get_queryset(request).none()

    def changelist_view(self, *_args: object, **_kwargs: object) -> HttpResponse:
        """To the pages."""
        return redirect("cache_pages:overview")

    def change_view(self, *_args: object, **_kwargs: object) -> HttpResponse:
        """To the pages."""
        return redirect("cache_pages:overview")

    def history_view(self, *_args: object, **_kwargs: object) -> HttpResponse:
        """To the pages."""
        return redirect("cache_pages:overview")
