"""Personas in the admin. Preferences, conversations and documents are their users' own, and have no pages here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest

from assistant.models import Persona
from assistant.models.persona import VERSIONED

if TYPE_CHECKING:  # generic for the type checker only
    Personas = admin.ModelAdmin[Persona]
else:
    Personas = admin.ModelAdmin


@admin.register(Persona)
class PersonaAdmin(Personas):
    """All personas to look at; the system-wide ones to add, change and delete."""

    list_display = ["name", "created_by", "is_active", "version", "updated_at"]
    list_filter = ["is_active", ("created_by", admin.EmptyFieldListFilter)]
    list_select_related = ["created_by"]
    search_fields = ["name", "created_by__username"]
    search_help_text = "By name, or by its owner's username"
    fields = ["name", "description", "system_prompt", "is_active", "created_by", "version", "created_at", "updated_at"]
    readonly_fields = ["created_by", "version", "created_at", "updated_at"]
    actions = None  # of the deletion of many: it would not ask whose each is

    def has_change_permission(self, request: HttpRequest, obj: Persona | None = None) -> bool:
        """Somebody's own is its owner's to change."""
        return super().has_change_permission(request, obj) and (obj is None or obj.created_by_id is None)

    def has_delete_permission(self, request: HttpRequest, obj: Persona | None = None) -> bool:
        """As for changes; the page that deletes a user asks too, for those that go with the user."""
        here = (getattr(request.resolver_match, "url_name", None) or "").startswith("assistant_persona_")
        own_page_of_somebodys = here and obj is not None and obj.created_by_id is not None
        return super().has_delete_permission(request, obj) and not own_page_of_somebodys

    def save_model(self, request: HttpRequest, obj: Persona, form: Any, change: bool) -> None:  # noqa: ANN401  # Django's signature
        """Raise the version with what it stands for, beside whoever else does."""
        if change and VERSIONED & set(form.changed_data):
            obj.version = F("version") + 1
        super().save_model(request, obj, form, change)
