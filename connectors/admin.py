"""Connections, extractions and revocations in the admin: to look at, never to change, and never a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.models import User
from connectors.models import ExtractionJob, PlatformConnection, TokenRevocation

if TYPE_CHECKING:  # generic for the type checker only
    Models = admin.ModelAdmin[Model]
else:
    Models = admin.ModelAdmin


class ReadOnlyAdmin(Models):
    """A page on which nothing can be changed: what is shown there changes with the platforms alone. The columns that
    are not in `fields`, sealed ones above all, are neither shown nor to be guessed at by filters in the address."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002  # Django's signature
        """Nobody's."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002  # as above
        """Nobody's."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody's on these pages. The page that deletes a user asks too, for the rows that go with the user."""
        here = f"{self.opts.app_label}_{self.opts.model_name}_"
        match = request.resolver_match
        if match is None or (match.url_name or "").startswith(here):
            return False
        return super().has_delete_permission(request, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """By what is shown, and nothing else."""
        shown = {str(field) for field in self.get_fields(request)} | {"id", "pk"}
        return lookup.split("__")[0] in shown and bool(super().lookup_allowed(lookup, value, request))


@admin.register(PlatformConnection)
class PlatformConnectionAdmin(ReadOnlyAdmin):
    """Who has connected what, and how it is."""

    list_display = ["user", "provider", "status", "problem", "account_name", "expires_at", "last_sync_at"]
    list_filter = ["provider", "status", "problem", "last_sync_status"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    search_help_text = "By username"
    fields = [
        "user", "provider", "status", "problem", "scopes", "account_id", "account_name", "renewable", "renew_at",
        "expires_at", "connected_at", "disconnected_at", "last_sync_at", "last_sync_status", "created_at",
    ]  # fmt: skip


@admin.register(ExtractionJob)
class ExtractionJobAdmin(ReadOnlyAdmin):
    """Extractions, and how far they are."""

    list_display = ["user", "provider", "state", "items_done", "items_total", "problem", "created_at", "finished_at"]
    list_filter = ["provider", "state", "problem"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    search_help_text = "By username"
    fields = [
        "id", "user", "connection", "provider", "state", "pages_done", "items_done", "items_total", "problem",
        "attempts", "not_before", "enqueued_at", "lease_until", "created_at", "started_at", "finished_at",
    ]  # fmt: skip


@admin.register(TokenRevocation)
class TokenRevocationAdmin(ReadOnlyAdmin):
    """Tokens that platforms are still to take back. Their user may be gone by now."""

    list_display = ["owner_id", "provider", "attempts", "not_before", "created_at"]
    list_filter = ["provider"]
    search_fields = ["provider"]  # Django shows the field for it; what is searched is below
    search_help_text = "By username"
    fields = ["owner_id", "provider", "attempts", "not_before", "created_at"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows of users of such a name; the row itself only has a number."""
        del request
        if not search_term:
            return queryset, False
        owners = User.objects.filter(username__icontains=search_term)
        return queryset.filter(owner_id__in=owners.values("pk")), False
