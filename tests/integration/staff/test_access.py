"""Who may see the pages and flush."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from cache_platform.models import OutboxRow
from tests.integration.accounts.credentials import new_user
from tests.integration.staff.conftest import Browser, read_both, staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis", "thing")]

LOOKING = ("/admin/cache/", "/admin/cache/test.thing/")
ICON = r'<link rel="icon" href="[^"]+"[^>]*>'
FLUSHING = ("/admin/cache/flush/", "/admin/cache/flush/confirm/")


def test_strangers_and_customers_are_asked_to_sign_in(browser: Browser) -> None:
    """As by all of the admin, permission or not."""
    customer = staff("view_cache", "flush_cache")
    customer.is_staff = False
    customer.save()
    known = Client()
    known.force_login(customer)
    for client, path in itertools.product((Client(), known), LOOKING + FLUSHING):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")


def test_staff_without_the_permission_get_a_403_in_the_admins_frame(browser: Browser) -> None:
    """It says which permission is needed. Flushing needs that for looking too."""
    for client, path in itertools.product((browser(), browser("flush_cache")), LOOKING + FLUSHING):
        answer = client.get(path)
        assert answer.status_code == 403
        assert b"cache_platform.view_cache" in answer.content
        assert b"Django administration" in answer.content


def test_a_viewer_looks_and_does_not_flush(browser: Browser, thing: Any) -> None:
    """Both pages, without the buttons; a POST of theirs flushes nothing."""
    client = browser("view_cache")
    for path in LOOKING:
        answer = client.get(path)
        assert answer.status_code == 200
        assert b"/admin/cache/flush" not in answer.content
    for path in FLUSHING:
        answer = client.get(path)
        assert (answer.status_code, b"cache_platform.flush_cache" in answer.content) == (403, True)
    assert client.post("/admin/cache/flush/confirm/", {"sealed": "x"}).status_code == 403
    assert read_both(thing) == 0
    assert not LogEntry.objects.exists()


def test_superusers_may_everything(client: Client) -> None:
    """They have every permission."""
    client.force_login(new_user(is_staff=True, is_superuser=True))
    assert [client.get(path).status_code for path in LOOKING + FLUSHING] == [200, 200, 200, 302]
    assert client.post(FLUSHING[1], {"all": "1"}).status_code == 200


def test_a_part_that_a_signed_out_page_asks_for_is_a_401(client: Client, browser: Browser) -> None:
    """Not the sign-in page, which would be swapped into the page; and a 403 for one who may not any more."""
    answer = client.get("/admin/cache/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["Content-Type"]) == (401, "text/plain")
    assert browser().get("/admin/cache/", headers={"HX-Request": "true"}).status_code == 403


def test_the_list_of_apps_leads_to_the_page(browser: Browser) -> None:
    """“Cache” is there for those who may look, and leads to the page."""
    link = b'href="/admin/cache_platform/cache/"'
    viewer = browser("view_cache")
    assert link in viewer.get("/admin/").content
    assert viewer.get("/admin/cache_platform/cache/")["Location"] == "/admin/cache/"
    assert link not in browser("flush_cache").get("/admin/").content
    assert viewer.get("/admin/cache_platform/cache/add/").status_code == 403


def test_rows_of_the_outbox_are_not_shown_as_the_cache(browser: Browser) -> None:
    """They are what is behind the model that the permissions are of, and hold the tokens of holds."""
    row = OutboxRow.objects.create(tags="user:10", token="planted-token")
    viewer = browser("view_cache")
    for page in ("change", "history", "delete"):
        answer = viewer.get(f"/admin/cache_platform/cache/{row.pk}/{page}/", follow=True)
        assert b"planted-token" not in answer.content, page
        assert b"user:10" not in answer.content, page


def test_pages_are_never_stored_and_have_no_inline_scripts_or_styles(browser: Browser) -> None:
    """The content security policy would not let them run."""
    client = browser("view_cache", "flush_cache")
    for path in (*LOOKING, FLUSHING[0]):
        answer = client.get(path)
        assert "no-store" in answer["Cache-Control"]
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        html = answer.content.decode()
        assert " style=" not in html
        assert "<style" not in html
        assert html.count("<script") == html.count("<script src=")


def test_pages_of_the_admin_have_the_sites_icon(browser: Browser) -> None:
    """Without a link browsers ask for /favicon.ico, and write down that there is none."""
    client, stranger = browser("view_cache", "flush_cache"), Client()
    icon = re.findall(ICON, stranger.get("/accounts/login/").content.decode())
    assert len(icon) == 1
    for viewer, path in ((client, "/admin/"), *((client, each) for each in LOOKING), (stranger, "/admin/login/")):
        assert re.findall(ICON, viewer.get(path).content.decode()) == icon, path
