"""Auras in the admin, to look at and to delete: what they say is their owners' to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.http import HttpRequest

from auras.models import Aura

if TYPE_CHECKING:  # generic for the type checker only
    Auras = admin.ModelAdmin[Aura]
else:
    Auras = admin.ModelAdmin


@admin.register(Aura)
class AuraAdmin(Auras):
    """See above."""

    list_display = ["name", "user", "kind", "updated_at"]
    list_filter = ["kind"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username"]
    search_help_text = "By name, or by its owner's username"

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002  # Django's signature
        """Nobody makes one for somebody else."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Aura | None = None) -> bool:  # noqa: ARG002  # Django's
        """Nobody changes another's."""
        return False
