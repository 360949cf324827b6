"""Personas in the admin: system-wide ones are made and changed there, and what people say is not shown at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from assistant.models import Conversation, Document, Message, Persona, Preference
from tests.integration.accounts.credentials import new_user
from tests.integration.assistant.callers import Caller, caller

ADD = "/admin/assistant/persona/add/"


@pytest.fixture
def staff() -> Client:
    """A browser of somebody who may do everything."""
    browser = Client()
    browser.force_login(new_user(is_staff=True, is_superuser=True))
    return browser


@pytest.fixture
def ada() -> Caller:
    """Somebody."""
    return caller()


def form(**changes: Any) -> dict[str, Any]:
    """What a browser sends from the page of a persona."""
    return {"name": "Helper", "description": "", "system_prompt": "", "is_active": "on", **changes}


def page(persona: Persona, action: str = "change") -> str:
    """The address."""
    return f"/admin/assistant/persona/{persona.pk}/{action}/"


def test_what_staff_make_is_for_everybody(staff: Client, ada: Caller) -> None:
    """And shown at once, with its name in one spelling."""
    assert ada.names() == []
    assert staff.post(ADD, form(name=" Zoe\u0308 ")).status_code == 302
    made = Persona.objects.get()
    assert (made.name, made.created_by, made.version) == ("Zoë", None, 1)
    assert ada.names(created_by="system") == ["Zoë"]


def test_a_change_raises_the_version_and_shows_at_once(staff: Client, ada: Caller) -> None:
    """A page that is saved as it is raises nothing."""
    shared = Persona.objects.create(name="Helper")
    assert ada.data(f"personas/{shared.pk}")["version"] == 1
    assert staff.post(page(shared), form()).status_code == 302
    assert ada.data(f"personas/{shared.pk}")["version"] == 1
    assert staff.post(page(shared), form(system_prompt="Be brief.")).status_code == 302
    shown = ada.data(f"personas/{shared.pk}")
    assert (shown["version"], shown["system_prompt"]) == (2, "Be brief.")
    assert staff.post(page(shared, "delete"), {"post": "yes"}).status_code == 302
    assert ada.names() == []


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "a\u202eb"}, {"name": "x" * 81}, {"system_prompt": "\x07"}, {"name": "\u0958" * 80}],
)
def test_what_may_not_be_kept_is_refused_on_the_page(staff: Client, wrong: dict[str, str]) -> None:
    """As over REST."""
    assert staff.post(ADD, form(**wrong)).status_code == 200
    assert not Persona.objects.exists()


def test_a_name_is_system_wide_once(staff: Client, ada: Caller) -> None:
    """Told on the page; a person's own of that name is another matter."""
    ada.post("personas", {"name": "Helper"})
    assert staff.post(ADD, form()).status_code == 302
    again = staff.post(ADD, form())
    assert again.status_code == 200
    assert "There is a persona of that name." in again.content.decode()


def test_somebodys_own_is_looked_at_alone(staff: Client, ada: Caller) -> None:
    """It is its owner's to change; it goes with its owner."""
    ada.post("personas", {"name": "Poet"})
    own = Persona.objects.get()
    assert staff.get(page(own)).status_code == 200
    assert staff.post(page(own), form(name="Other")).status_code == 403
    assert staff.post(page(own, "delete"), {"post": "yes"}).status_code == 403
    assert ada.names() == ["Poet"]
    gone = staff.post(f"/admin/accounts/user/{ada.user.pk}/delete/", {"post": "yes"})
    assert gone.status_code == 302
    assert not Persona.objects.exists()


@pytest.mark.parametrize("query", ["", "?q=Poet", "?is_active__exact=1", "?created_by__isempty=1"])
def test_the_list_is_found_by_name_and_kind(staff: Client, ada: Caller, query: str) -> None:
    """In a bounded number of queries."""
    ada.post("personas", {"name": "Poet"})
    assert staff.get(f"/admin/assistant/persona/{query}").status_code == 200


def test_what_people_say_has_no_page() -> None:
    """Nor what they want, nor what they uploaded."""
    assert not any(admin.site.is_registered(model) for model in (Conversation, Message, Document, Preference))
