"""A site on which somebody has been before, and arriving at its pages with a browser that is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import SEARCHED_OFTEN, SitePage
from tests.browser.signing_in import sign_in
from tests.browser.watching import watch
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import PASSWORD, SiteUnderTest, base_environment, copy_database

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
HTML = "text/html; charset=utf-8"
Arrive = Callable[..., Page]


@pytest.fixture(scope="module")
def furnished(
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


class Tabs:
    """The browsers of visitors, each with one tab: a page in one that is open costs half of what a new one does."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._tabs: dict[tuple[str | None, str, bool], Page] = {}
        self.complaints: list[str] = []

    def of(self, listed: SitePage, *, javascript: bool) -> Page:
        """The tab of whom `listed` is for, as at a desk in light."""
        visitor = (listed.who, listed.origin, javascript)
        if visitor not in self._tabs:
            self._tabs[visitor] = self._opened(listed, javascript=javascript)
        tab = self._tabs[visitor]
        tab.set_viewport_size(DESK)
        tab.emulate_media(color_scheme="light")
        return tab

    def leave(self) -> None:
        """Leave all pages, and what they had asked for."""
        for tab in self._tabs.values():
            tab.unroute_all()
            tab.goto("about:blank")
        self.complaints.clear()

    def close(self) -> None:
        """Close all."""
        for tab in self._tabs.values():
            tab.context.close()

    def _opened(self, listed: SitePage, *, javascript: bool) -> Page:
        context = self._browser.new_context(
            base_url=self._url,
            java_script_enabled=javascript,
            reduced_motion="reduce",
            extra_http_headers={"X-Forwarded-For": listed.origin},
        )
        context.set_default_timeout(20_000)
        tab = context.new_page()
        watch(tab, self._url, self.complaints)
        if listed.who:
            sign_in(tab, self._url, listed.who)
        return tab


@pytest.fixture(scope="module")
def tabs(furnished: SiteUnderTest, chromium: Browser) -> Iterator[Tabs]:
    """The visitors' tabs, for `arrive`."""
    tabs = Tabs(chromium, furnished.url)
    yield tabs
    tabs.close()


@pytest.fixture
def arrive(tabs: Tabs) -> Iterator[Arrive]:
    """`arrive(listed, javascript=True)`: the page. A message of its console, a request that fails or that leaves the
    machine fails the test."""

    def come(listed: SitePage, *, javascript: bool = True) -> Page:
        page = tabs.of(listed, javascript=javascript)
        if listed.template:
            body = render_to_string(listed.template, {"wait": "12 seconds"})
            page.route(f"**{listed.address}", lambda route: route.fulfill(status=500, body=body, content_type=HTML))
        answer = page.goto(listed.address)
        assert answer is not None
        assert (answer.status >= 400) is listed.refusal, answer.status
        listed.arrive(page)
        page.wait_for_load_state()
        return page

    yield come
    complaints = list(tabs.complaints)
    tabs.leave()
    assert not complaints, complaints


@pytest.fixture(scope="module")
def mirror(chromium: Browser) -> Iterator[Page]:
    """A tab for what another one shows, in which scripts run; in dark."""
    context = chromium.new_context(color_scheme="dark", reduced_motion="reduce")
    yield context.new_page()
    context.close()
