"""Every page of the site without a script, and by the keyboard alone. In a file of its own, so that two processes share
the pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import as_it_is, keyboard_walk, too_wide, violations
from tests.browser.arriving import PHONE, Arrive
from tests.browser.pages import EACH, PAGES, SitePage

pytestmark = pytest.mark.system


@EACH
def test_a_page_is_whole_without_a_script(arrive: Arrive, mirror: Page, listed: SitePage) -> None:
    """It has its heading and its main part, and keeps all rules: on a phone, in dark."""
    page = arrive(listed, javascript=False)
    page.set_viewport_size(PHONE)
    assert page.locator("h1").count() >= 1
    assert len(page.locator("main").first.inner_text()) > 30
    with as_it_is(page, mirror) as copy:
        assert violations(copy, without=listed.without) == []
        assert too_wide(copy) == []


@pytest.mark.parametrize("listed", [each for each in PAGES if each.walk], ids=lambda listed: listed.name)
def test_the_keyboard_reaches_everything(arrive: Arrive, listed: SitePage) -> None:
    """In the order in which it is written, each with a focus that can be seen, and out again."""
    controls, reached, wrong = keyboard_walk(arrive(listed))
    assert controls
    assert reached == controls
    assert wrong == []
