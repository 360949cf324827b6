"""Connections, extractions and revocations in the admin: to look at, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from connectors.models import ExtractionJob, PlatformConnection, TokenRevocation
from tests.integration.accounts.credentials import new_user

pytestmark = pytest.mark.django_db

SEALED = "gAAAAAB-sealed-tokens"
MODELS = (PlatformConnection, ExtractionJob, TokenRevocation)


@pytest.fixture
def rows() -> dict[type, Any]:
    """One of each, of a user called Grace."""
    user = User.objects.create_user("grace-h")
    connection = PlatformConnection.objects.create(
        user=user, provider="daybook", status="connected", sealed_tokens=SEALED, refresh_claim="a-claim"
    )
    job = ExtractionJob.objects.create(
        connection=connection, user=user, provider="daybook", cursor="a-cursor", lease="a-lease"
    )
    revocation = TokenRevocation.objects.create(owner_id=user.pk, provider="daybook", sealed_tokens=SEALED)
    return {PlatformConnection: connection, ExtractionJob: job, TokenRevocation: revocation}


@pytest.fixture
def staff() -> Client:
    """A browser of somebody who may do everything."""
    client = Client()
    client.force_login(new_user(is_staff=True, is_superuser=True))
    return client


def address(model: type, name: str = "changelist", *args: Any) -> str:
    """A page of the admin."""
    return reverse(f"admin:connectors_{model.__name__.lower()}_{name}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_what_is_sealed_is_on_no_page(staff: Client, rows: dict[type, Any], model: type) -> None:
    """Neither in the list nor on the row's own page, nor what tells the workers apart."""
    for where in (address(model), address(model, "change", rows[model].pk)):
        answer = staff.get(where)
        assert answer.status_code == 200
        html = answer.content.decode()
        assert "daybook" in html
        for secret in (SEALED, "a-claim", "a-cursor", "a-lease"):
            assert secret not in html


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_changed(staff: Client, rows: dict[type, Any], model: type) -> None:
    """Not added, not changed, not deleted, whatever is sent."""
    before = model.objects.values().get()
    assert staff.get(address(model, "add")).status_code == 403
    for name in ("change", "delete"):
        assert staff.post(address(model, name, rows[model].pk), {"status": "error", "post": "yes"}).status_code == 403
    staff.post(address(model), {"action": "delete_selected", "_selected_action": [rows[model].pk], "post": "yes"})
    assert model.objects.values().get() == before


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_found_by_the_name_of_their_user(staff: Client, rows: dict[type, Any], model: type) -> None:
    """A part of it is enough."""
    found = [staff.get(address(model), {"q": text}).context["cl"].result_count for text in ("race-", "nobody", "")]
    assert found == [1, 0, 1]


@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (PlatformConnection, "sealed_tokens__startswith"),
        (PlatformConnection, "refresh_claim__startswith"),
        (PlatformConnection, "user__password__startswith"),
        (PlatformConnection, "items__title__startswith"),
        (ExtractionJob, "lease__startswith"),
        (ExtractionJob, "connection__sealed_tokens__startswith"),
        (TokenRevocation, "sealed_tokens__startswith"),
    ],
)
def test_no_filter_in_the_address_guesses_at_secrets(
    staff: Client, rows: dict[type, Any], model: type, lookup: str
) -> None:
    """Refused, so that the number of rows tells nothing."""
    assert staff.get(address(model), {lookup: "g"}).status_code == 400


def test_filters_are_those_of_the_list(staff: Client, rows: dict[type, Any]) -> None:
    """By provider, state and problem."""
    for query, count in (({"provider__exact": "daybook"}, 1), ({"status__exact": "error"}, 0)):
        assert staff.get(address(PlatformConnection), query).context["cl"].result_count == count


def test_staff_without_the_permission_see_nothing(rows: dict[type, Any]) -> None:
    """It is given by model."""
    client = Client()
    client.force_login(new_user(is_staff=True))
    for model in MODELS:
        assert client.get(address(model)).status_code == 403


def test_a_user_who_has_connected_something_can_still_be_deleted(staff: Client, rows: dict[type, Any]) -> None:
    """Connections and extractions go with the user; that nobody may delete them alone does not keep the user."""
    user = rows[PlatformConnection].user
    staff.post(reverse("admin:accounts_user_delete", args=[user.pk]), {"post": "yes"})
    assert not User.objects.filter(pk=user.pk).exists()
    assert not PlatformConnection.objects.exists()
    assert not ExtractionJob.objects.exists()


def test_a_deleted_users_revocation_is_still_listed(staff: Client) -> None:
    """It has a number and no name."""
    TokenRevocation.objects.create(owner_id=10**9, provider="chirper", not_before=timezone.now(), sealed_tokens=SEALED)
    assert "chirper" in staff.get(address(TokenRevocation)).content.decode()


def test_all_that_is_sealed_is_left_out_of_the_admin() -> None:
    """Also a column that is added later: what is shown is listed by name."""
    for model in MODELS:
        shown = {str(field) for field in admin.site._registry[model].fields or ()}
        assert shown
        assert not {name for name in shown if "sealed" in name or "claim" in name or name in {"lease", "cursor"}}
