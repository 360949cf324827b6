"""Bodies that are odd, deep or long, and clients that want more than is theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, Session, Subscription, TokenFamily
from accounts.tasks import KEPT, forget_ended_credentials
from tests.integration.accounts.credentials import empty_redis, make_key, new_user, post, sign_in  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]


def patch(client: Client, bearer: dict[str, str], body: object) -> Any:
    """PATCH one's subscription."""
    return client.patch("/api/subscription", body, content_type="application/json", headers=bearer)


@pytest.mark.parametrize("depth", [33, 900, 950, 960, 100_000])
def test_a_deep_body_is_a_problem(client: Client, depth: int) -> None:
    """However deep: 400, at any place of the body, and never a 500."""
    bearer = sign_in(client).bearer
    deep = "[" * depth + "]" * depth
    assert patch(client, bearer, '{"plan":' + deep + "}").status_code == 400
    assert post(client, "/api/auth/api-keys", '{"name":"x","scopes":' + deep + "}", bearer).status_code == 400


@pytest.mark.parametrize("route", ["/api/subscription", "/api/auth/api-keys"])
def test_a_long_value_is_not_sent_back(client: Client, route: str) -> None:
    """The refusal names the field and what is allowed."""
    bearer = sign_in(client).bearer
    body = {"plan": "é" * 100_000, "name": "x", "scopes": ["A" * 100_000]}
    method = client.patch if route == "/api/subscription" else client.post
    answer = method(route, body, content_type="application/json", headers=bearer)
    assert answer.status_code == 400
    assert len(answer.content) < 2000


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/"])
def test_a_form_in_an_odd_charset_is_a_400(path: str) -> None:
    """Django's own page for bad requests reads the form again, and fails again."""
    browser = Client(raise_request_exception=False, enforce_csrf_checks=True)
    browser.cookies["csrftoken"] = "a" * 32
    answer = browser.post(path, "a=b", content_type="application/x-www-form-urlencoded; charset=utf-7")
    assert answer.status_code == 400


def test_a_bad_host_is_a_problem_of_the_api(client: Client) -> None:
    """JSON there, a short text elsewhere."""
    assert client.get("/api/profile", headers={"host": "evil example"})["Content-Type"] == "application/problem+json"
    assert client.get("/", headers={"host": "evil example"}).content == b"Bad request"


def test_a_misspelt_field_makes_no_key(client: Client) -> None:
    """`expires` instead of `expires_at` would else make one that never ends."""
    signed_in = sign_in(client)
    answer = post(client, "/api/auth/api-keys", {"name": "x", "expires": "2030-01-01T00:00:00Z"}, signed_in.bearer)
    assert answer.status_code == 400
    assert answer.json()["errors"] == {"expires": ["is not a field here"]}
    assert not ApiKey.objects.filter(user=signed_in.user).exists()


@pytest.mark.parametrize(
    "bodies", [[{"status": "cancelled"}, {"status": "active"}], [{"plan": "pro"}], [{"plan": "free"}]]
)
def test_what_is_owed_stays_owed(client: Client, bodies: list[dict[str, str]]) -> None:
    """Nothing that a user sends ends `past_due`; the same plan again does not bring back its limits."""
    signed_in = sign_in(client)
    limits = {"chat_messages": 0}
    Subscription.objects.create(user=signed_in.user, plan="pro", status="past_due", limits=limits)
    for body in bodies:
        patch(client, signed_in.bearer, body)
    now = Subscription.objects.get(user=signed_in.user)
    assert now.status == "past_due"
    assert now.limits == limits or now.plan == "free"


def test_going_to_the_free_plan_and_back_does_not_begin_anew(client: Client) -> None:
    """The period that was begun runs on, and its usage counts on."""
    signed_in = sign_in(client)
    end = timezone.now() + timedelta(days=10)
    Subscription.objects.create(user=signed_in.user, plan="pro", period_end=end, usage={"faxes": 7})
    assert patch(client, signed_in.bearer, {"plan": "free"}).json()["data"]["period_end"] is None
    back = patch(client, signed_in.bearer, {"plan": "pro"}).json()["data"]
    assert back["usage"]["faxes"] == 7
    assert Subscription.objects.get(user=signed_in.user).period_end == end


def test_the_admin_does_not_help_to_guess_secrets(client: Client) -> None:
    """A filter in the address is no way to read a nonce digit by digit."""
    staff = get_user_model().objects.create_superuser("root", password="x")
    client.force_login(staff)
    for lookup in ("session_nonce__startswith", "sessions__session_key__startswith", "api_keys__digest__startswith"):
        assert client.get(f"/admin/accounts/user/?{lookup}=1").status_code == 400
    assert client.get("/admin/accounts/user/?is_staff__exact=1").status_code == 200


def test_what_has_ended_is_deleted(client: Client) -> None:
    """Sessions and families that expired, and keys a month after their end; nothing that is still good."""
    signed_in = sign_in(client)
    kept, gone = make_key(client, signed_in)["id"], make_key(client, signed_in)["id"]
    client.force_login(signed_in.user)
    before = timezone.now() - KEPT - timedelta(hours=1)
    ApiKey.objects.filter(pk=gone).update(revoked_at=before)
    other = new_user()
    TokenFamily.objects.create(user=other, expires_at=before)
    Session.objects.create(session_key="0" * 40, session_data="", expire_date=before)
    forget_ended_credentials()
    assert list(ApiKey.objects.filter(user=signed_in.user).values_list("pk", flat=True)) == [kept]
    assert not TokenFamily.objects.filter(user=other).exists()
    assert TokenFamily.objects.filter(user=signed_in.user).exists()
    assert Session.objects.filter(user=signed_in.user).exists()
    assert not Session.objects.filter(pk="0" * 40).exists()
