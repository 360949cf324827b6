"""Every page of the site in a browser: at a desk and on a phone, light and dark, for eyes and ears; nothing that it
needs comes from elsewhere. test_plain_pages has what is without a script, and the keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import too_wide, violations
from tests.browser.arriving import PHONE, Arrive
from tests.browser.pages import EACH, PAGES, SitePage

pytestmark = pytest.mark.system
LAYOUT = ["color-contrast", "target-size", "scrollable-region-focusable"]


@EACH
def test_a_page_is_accessible_at_each_width_and_in_each_scheme(arrive: Arrive, listed: SitePage) -> None:
    """All rules at a desk in light; what depends on width and colours elsewhere, too; 320 pixels are enough."""
    page = arrive(listed)
    found = {"desk, light": violations(page, without=listed.without)}
    page.emulate_media(color_scheme="dark")
    found["desk, dark"] = violations(page, only=LAYOUT[:1], without=listed.without)
    page.set_viewport_size(PHONE)
    found["phone, dark"] = violations(page, only=LAYOUT, without=listed.without)
    page.emulate_media(color_scheme="light")
    found["phone, light"] = violations(page, only=LAYOUT[:1], without=listed.without)
    found["320 pixels"] = too_wide(page)
    assert {how: what for how, what in found.items() if what} == {}


DASHBOARD = next(each for each in PAGES if each.name == "dashboard")


def test_headlines_are_searched_where_they_are(arrive: Arrive) -> None:
    """The focus stays in the field, what is unfolded stays so, and the address and the other links have the words."""
    page = arrive(DASHBOARD)
    first = page.locator("#story-1").inner_text()
    page.get_by_label("Search the headlines").fill("Bridge")
    page.keyboard.press("Enter")
    expect(page.locator(".found")).to_contain_text("with “bridge” in General.")
    expect(page.locator("#words")).to_be_focused()
    expect(page.locator("#announcements")).to_contain_text("Headlines, general, with “bridge”")
    expect(page).to_have_url(re.compile("words=bridge"))
    expect(page.locator("#hours")).to_have_attribute("open", "")
    page.locator("#units-imperial").click()
    expect(page.locator("#weather")).to_have_attribute("data-units", "imperial")
    expect(page).to_have_url(re.compile("words=bridge"))
    page.locator("#words-clear").click()
    expect(page.locator("#story-1")).to_have_text(first)
    expect(page).not_to_have_url(re.compile("words"))
    page.locator("#units-metric").click()
    expect(page.locator("#weather")).to_have_attribute("data-units", "metric")


def test_a_card_keeps_its_last_good_answer(arrive: Arrive) -> None:
    """When its refresh brings nothing; when it is well again, it says so."""
    page = arrive(DASHBOARD)
    failed = (
        '<section class="card own" id="platforms" data-card data-state="error" data-summary="Platforms: Not there.">'
    )
    page.route("**/cards/platforms", lambda route: route.fulfill(body=f"{failed}</section>", content_type="text/html"))
    page.locator("#platforms-refresh").click()
    expect(page.locator("#platforms .status-label")).to_have_text("Last good answer")
    expect(page.locator("#platforms")).to_have_attribute("data-state", "stale")
    expect(page.locator("#platforms")).to_contain_text("Tunebox")
    expect(page.locator("#announcements")).to_have_text("Platforms: Not there.")
    page.unroute("**/cards/platforms")
    page.locator("#platforms-refresh").click()
    expect(page.locator("#platforms")).to_have_attribute("data-state", "cached")
