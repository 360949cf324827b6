"""A real browser. The site is another process: Playwright's event loop keeps Django's database out of this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.arriving import arrive, furnished, mirror, tabs

__all__ = ["arrive", "furnished", "mirror", "tabs"]


def _is_complaint(message: ConsoleMessage) -> bool:
    """A page that is a refusal, as the callback's, is no fault of the page."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


@pytest.fixture
def person(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`person(url, javascript=True)`: a page of a browser of somebody's own, with its own cookies. What the page's
    console says against the policy of its content fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def arrive(url: str, *, javascript: bool = True) -> Page:
        context = chromium.new_context(base_url=url, java_script_enabled=javascript, reduced_motion="reduce")
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield arrive
    for context in contexts:
        context.close()
    assert not complaints, complaints
