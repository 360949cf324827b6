"""Auras in the admin: to look at and to delete."""

from __future__ import annotations

from django.test import Client

from auras.models import Aura
from tests.integration.accounts.credentials import new_user
from tests.integration.auras.people import Person


def test_staff_look_and_delete_and_change_nothing(ada: Person) -> None:
    """What is deleted is gone from its owner's list at once."""
    made, other = ada.make("One"), ada.make("Other")
    assert ada.names() == ["Other", "One"]
    staff = Client()
    staff.force_login(new_user(is_staff=True, is_superuser=True))
    assert staff.get("/admin/auras/aura/?q=One&kind=agent").status_code == 200
    page = f"/admin/auras/aura/{made['id']}"
    assert staff.get(f"{page}/change/").status_code == 200
    assert staff.post(f"{page}/change/", {"name": "Changed"}).status_code == 403
    assert staff.post("/admin/auras/aura/add/", {"name": "New", "user": ada.user.pk}).status_code == 403
    assert staff.post(f"{page}/delete/", {"post": "yes"}).status_code == 302
    assert ada.names() == ["Other"]
    assert Aura.objects.get().pk == other["id"]


def test_auras_go_with_their_owner(ada: Person) -> None:
    """From the page that deletes a user."""
    ada.make("One")
    staff = Client()
    staff.force_login(new_user(is_staff=True, is_superuser=True))
    assert staff.post(f"/admin/accounts/user/{ada.user.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Aura.objects.exists()
