"""Every page of the site in a browser: at a desk and on a phone, light and dark, with a script and without, for eyes,
ears and the keyboard; nothing that it needs comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.accessibility import as_it_is, keyboard_walk, too_wide, violations
from tests.browser.pages import PAGES, SEARCHED_OFTEN, SitePage
from tests.browser.signing_in import sign_in
from tests.browser.watching import watch
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import PASSWORD, SiteUnderTest, base_environment, copy_database

pytestmark = pytest.mark.system
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LAYOUT = ["color-contrast", "target-size", "scrollable-region-focusable"]
EACH = pytest.mark.parametrize("listed", PAGES, ids=lambda listed: listed.name)
Arrive = Callable[..., Page]


@pytest.fixture(scope="module")
def running(
    shared_redis: RedisUnderTest,
    shared_sandbox: SandboxUnderTest,
    migrated_database: Path,
    tmp_path_factory: pytest.TempPathFactory,
    chromium: Browser,
) -> Iterator[SiteUnderTest]:
    """A site on which somebody has been before: ada has a conversation, a persona, a document, a platform and a key;
    from one address was searched as often as one may."""
    shared_redis.flush()
    shared_sandbox.reset()
    folder = tmp_path_factory.mktemp("pages")
    copy_database(migrated_database, folder / "site.sqlite3")
    variables = {
        "REDIS_URL": shared_redis.url,
        "SANDBOX_URL": shared_sandbox.url,
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
        "RATE_LIMIT_SEARCH": "20/3600s",
        "TRUSTED_PROXIES": "1",
    }
    with SiteUnderTest(base_environment(folder, **variables), workers=1) as site:
        furnish(site)
        connect(chromium, site)
        yield site


def furnish(site: SiteUnderTest) -> None:
    """What there is to see, over the API."""
    with httpx.Client(base_url=site.url, timeout=30, trust_env=False) as ada:
        given = ada.post("/api/auth/token", json={"username": "ada", "password": PASSWORD}).raise_for_status().json()
        ada.headers["Authorization"] = f"Bearer {given['access']}"
        for path, body in (
            ("/api/chat", {"message": "What is a cache?\nIn one sentence, please."}),
            ("/api/personas", {"name": "Poet", "description": "Answers in rhyme", "system_prompt": "Rhyme."}),
            ("/api/documents", {"name": "notes.md", "text": "# Notes\nMilk, bread, stamps."}),
            ("/api/auth/api-keys", {"name": "laptop"}),
        ):
            ada.post(path, json=body).raise_for_status()
        while ada.get("/api/news?q=tower", headers={"X-Forwarded-For": SEARCHED_OFTEN}).status_code == 200:
            pass


def connect(browser: Browser, site: SiteUnderTest) -> None:
    """Ada connects a platform."""
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    sign_in(page, site.url, "ada")
    page.goto("/connectors/")
    page.locator("#platform-tunebox").get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Allow").click()
    expect(page.locator("#platform-tunebox")).to_have_attribute("data-state", "connected")
    context.close()


@pytest.fixture
def arrive(running: SiteUnderTest, chromium: Browser) -> Iterator[Arrive]:
    """`arrive(listed, javascript=True)`: the page. A message of its console, a request that fails or that leaves the
    machine fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def come(listed: SitePage, *, javascript: bool = True) -> Page:
        context = chromium.new_context(
            base_url=running.url,
            java_script_enabled=javascript,
            reduced_motion="reduce",
            viewport=DESK,
            extra_http_headers={"X-Forwarded-For": listed.origin},
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()

        watch(page, running.url, complaints)
        if listed.who:
            sign_in(page, running.url, listed.who)
        answer = page.goto(listed.address)
        assert answer is not None
        assert (answer.status >= 400) is listed.refusal, answer.status
        listed.arrive(page)
        page.wait_for_load_state()
        return page

    yield come
    for context in contexts:
        context.close()
    assert not complaints, complaints


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


@EACH
def test_a_page_is_whole_without_a_script(arrive: Arrive, chromium: Browser, listed: SitePage) -> None:
    """It has its heading and its main part, and keeps all rules: on a phone, in dark."""
    page = arrive(listed, javascript=False)
    page.set_viewport_size(PHONE)
    assert page.locator("h1").count() >= 1
    assert len(page.locator("main").first.inner_text()) > 30
    with as_it_is(page, chromium) as copy:
        assert violations(copy, without=listed.without) == []
        assert too_wide(copy) == []


@pytest.mark.parametrize("listed", [each for each in PAGES if each.walk], ids=lambda listed: listed.name)
def test_the_keyboard_reaches_everything(arrive: Arrive, listed: SitePage) -> None:
    """In the order in which it is written, each with a focus that can be seen, and out again."""
    controls, reached, wrong = keyboard_walk(arrive(listed))
    assert controls
    assert reached == controls
    assert wrong == []


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
